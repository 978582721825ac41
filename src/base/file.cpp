#include "d2v/base/file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

#include <sys/stat.h>

#include "d2v/base/check.h"
#include "system_error.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = ".d2v-tmp-";  // ".NAME.d2v-tmp-PID"

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Closes on scope exit.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

std::string read_file(const fs::path& path, uint64_t limit) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) fail<DataError>("cannot read {}: {}", path.string(), reason(errno));
  struct stat info {};
  if (::fstat(file.value, &info) != 0) fail<DataError>("cannot read {}: {}", path.string(), reason(errno));
  check<DataError>(!S_ISDIR(info.st_mode), "cannot read {}: expected a file, found a folder", path.string());
  std::string contents;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.value, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail<DataError>("cannot read {}: {}", path.string(), reason(errno));
    if (n == 0) return contents;
    contents.append(buffer, static_cast<size_t>(n));
    check<UsageError>(contents.size() <= limit,
                      "{}: expected at most {} bytes, found more; is it the right file?", path.string(),
                      limit);
  }
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::error_code error;
  if (const fs::path target = fs::weakly_canonical(path_, error); !error)
    path_ = target;  // writes through links
  check<StorageError>(!fs::is_directory(path_, error), "cannot write {}: there is a folder of that name",
                      path_.string());
  temporary_ = folder_of(path_) / fmt::format(".{}{}{}", path_.filename().string(), kMark, ::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) storage_failure("create a file beside", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check(descriptor_ >= 0, "{}: written to after its commit", path_.string());
  constexpr size_t kMost = 64 << 20;
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMost));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) storage_failure("write", path_, errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  check(descriptor_ >= 0, "{}: committed twice", path_.string());
  if (::fsync(descriptor_) != 0) storage_failure("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) storage_failure("replace", path_, errno);
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0) storage_failure("write", path_, errno);
  sync_folder(folder_of(path_));
}

void write_file(const fs::path& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

int remove_temporaries(const fs::path& folder) {
  int removed = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with('.') || name.find(kMark) == name.npos) continue;
    std::error_code ignored;
    removed += fs::remove(it->path(), ignored);
  }
  return removed;
}

void sync_folder(const fs::path& folder) {
  const Descriptor file{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (file.value < 0) storage_failure("open the folder", folder, errno);
  // Some network file systems cannot sync a folder and say EINVAL; the rename itself is done.
  if (::fsync(file.value) != 0 && errno != EINVAL) storage_failure("write the folder", folder, errno);
}

}  // namespace d2v
