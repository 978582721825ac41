// One run per folder.
#pragma once

#include <filesystem>

namespace d2v {

// Holds an exclusive lock on a folder while it lives: flock on a file `.lock` inside, which names the
// process. The system drops it when the process ends, however it ends. Movable.
class FolderLock {
 public:
  // Creates the folder where there is none. Throws StorageError naming the folder and, where known, the
  // process that holds it; or when the folder cannot be created or written.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace d2v
