#include "d2v/base/folder_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <sys/file.h>

#include "d2v/base/check.h"
#include "system_error.h"

namespace d2v {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) storage_failure("create the folder", folder, error.value());
  const auto path = folder / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) storage_failure("create", path, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    char text[32] = {};
    const ssize_t n = ::pread(descriptor_, text, sizeof text - 1, 0);
    ::close(std::exchange(descriptor_, -1));
    if (why != EWOULDBLOCK) storage_failure("lock", path, why);
    std::string owner(text, n > 0 ? static_cast<size_t>(n) : 0);
    owner.resize(std::min(owner.find('\n'), owner.size()));
    fail<StorageError>("{} is in use by another run{}; wait for it to end, or choose another run.dir",
                       folder.string(), owner.empty() ? "" : " (process " + owner + ")");
  }
  // The process id is only a hint for messages; a disk too full for it is no reason to stop.
  const std::string owner = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, owner.data(), owner.size(), 0) < 0) errno = 0;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

}  // namespace d2v
