// Files as a whole: read with a limit, written so that a reader sees the old file or the new one, never half
// of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace d2v {

// The contents of a file. Throws DataError naming the path and the reason: missing, a folder, no permission;
// UsageError when it is larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, uint64_t limit);

// Replaces `path` by a file that is complete or absent: temporary file in the same folder, fsync, rename,
// fsync of the folder. Until commit() returns, the old file stays as it was. Throws StorageError naming the
// path, the system's reason and what to do; a failure leaves no temporary behind. (A killed process may: see
// below.)
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();  // without commit: the temporary is removed
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

void write_file(const std::filesystem::path& path, std::string_view contents);

// Removes temporaries that killed processes left in a folder; call it only where no other process writes (a
// locked run folder). Returns how many.
int remove_temporaries(const std::filesystem::path& folder);

// Makes directory entries of `folder` durable. Throws StorageError.
void sync_folder(const std::filesystem::path& folder);

}  // namespace d2v
