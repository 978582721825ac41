#include "system_error.h"

#include <cerrno>
#include <system_error>

#include "d2v/base/check.h"

namespace d2v {

std::string reason(int error) { return std::generic_category().message(error); }

void storage_failure(const std::string& action, const std::filesystem::path& path, int error) {
  std::string advice;
  switch (error) {
    case ENOSPC:
    case EDQUOT: {
      std::error_code ignored;
      const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
      const auto space = std::filesystem::space(folder, ignored);
      advice = "free some space or choose another folder";
      if (!ignored)
        advice += fmt::format(" ({:.1f} MB are left there)", static_cast<double>(space.available) / 1e6);
      break;
    }
    case EFBIG:
      advice = "the file is larger than the system's limit (ulimit -f) allows";
      break;
    case EACCES:
    case EPERM:
      advice = "check the permissions of the file and its folder";
      break;
    case EROFS:
      advice = "the disk is mounted read-only; choose another folder";
      break;
    case ENOENT:
    case ENOTDIR:
      advice = "its folder does not exist; create it first";
      break;
    case EIO:
      advice = "the disk reports errors; save elsewhere and check it";
      break;
    default:
      advice = "nothing was changed";
  }
  fail<StorageError>("cannot {} {}: {}; {}", action, path.string(), reason(error), advice);
}

}  // namespace d2v
