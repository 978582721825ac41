#include "d2v/base/mapped_file.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include "d2v/base/check.h"
#include "system_error.h"

namespace d2v {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail<DataError>("cannot read {}: {}", path.string(), reason(errno));
  struct stat info {};
  int error = ::fstat(file, &info) == 0 ? 0 : errno;
  const bool regular = S_ISREG(info.st_mode);
  if (error == 0 && regular && info.st_size > 0) {
    void* memory = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) {
      error = errno;
    } else {
      data_ = static_cast<const std::byte*>(memory);
      size_ = static_cast<size_t>(info.st_size);
    }
  }
  ::close(file);
  if (error != 0) fail<DataError>("cannot read {}: {}", path.string(), reason(error));
  check<DataError>(regular, "cannot read {}: expected a regular file", path.string());
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace d2v
