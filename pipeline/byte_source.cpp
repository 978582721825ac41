#include "d2v/pipeline/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "d2v/base/check.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

// Of what is read at once. Above any picture's: data.max_pixels' default in 16-bit RGB. Recordings are read piece by piece.
constexpr uint64_t kMostBytes = uint64_t{1} << 30;

[[noreturn]] void refuse(const std::string& name, const char* what) {
  fail<DataError>("{}: {} ({})", name, what, std::strerror(errno));
}

void check_unchanged(const ByteSource& source, uint64_t size) {
  std::error_code error;
  const auto changed = fs::last_write_time(source.path, error).time_since_epoch().count();
  check<DataError>(!error && changed == source.changed, "{}: {} was changed since it was listed; start again",
                   source.name(), source.path.string());
  check<DataError>(source.first <= size && *source.bytes <= size - source.first,
                   "{}: expected {} bytes from byte {} of {}, which has {}", source.name(), *source.bytes,
                   source.first, source.path.string(), size);
}

}  // namespace

OpenBytes::OpenBytes(const ByteSource& source) : name_(source.name()) {
  if (source.memory) {
    memory_ = *source.memory;
    size_ = memory_.size();
    return;
  }
  file_ = ::open(source.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_ < 0) refuse(name_, "cannot be opened");
  try {
    struct stat status {};
    if (::fstat(file_, &status) != 0) refuse(name_, "cannot be read");
    check<DataError>(S_ISREG(status.st_mode), "{}: not a regular file", name_);
    size_ = static_cast<uint64_t>(status.st_size);
    if (source.bytes) {
      check_unchanged(source, size_);
      first_ = source.first;
      size_ = *source.bytes;
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

OpenBytes::~OpenBytes() {
  if (file_ >= 0) ::close(file_);
}

size_t OpenBytes::read_at(uint64_t at, std::span<uint8_t> out) const {
  if (at >= size_) return 0;
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(out.size(), size_ - at));
  if (file_ < 0) {
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(at), wanted, out.begin());
    return wanted;
  }
  size_t done = 0;
  while (done < wanted) {
    const ssize_t count =
        ::pread(file_, out.data() + done, wanted - done, static_cast<off_t>(first_ + at + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) refuse(name_, "cannot be read");
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

void read_bytes(const ByteSource& source, std::vector<uint8_t>& bytes) {
  const OpenBytes open(source);
  check<DataError>(open.size() <= kMostBytes, "{}: its {} bytes are more than the {} that are read at once",
                   open.name(), open.size(), kMostBytes);
  bytes.resize(static_cast<size_t>(open.size()));
  bytes.resize(open.read_at(0, bytes));
}

}  // namespace d2v
