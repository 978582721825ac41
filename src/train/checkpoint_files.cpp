#include "d2v/train/checkpoint_files.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/base/safetensors.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "update_", kSuffix = ".safetensors";

// The update in a file's name; none where it is not a checkpoint's.
std::optional<int64_t> update_in(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const char *begin = name.data() + kPrefix.size(), *end = name.data() + name.size() - kSuffix.size();
  int64_t update = 0;
  const auto [stop, error] = std::from_chars(begin, end, update);
  if (error != std::errc() || stop != end || begin == end) return std::nullopt;
  return update;
}

}  // namespace

fs::path checkpoint_path(const fs::path& run, int64_t update) {
  return run / "checkpoints" / fmt::format("{}{:08}{}", kPrefix, update, kSuffix);
}

std::vector<CheckpointFile> list_checkpoints(const fs::path& run) {
  std::vector<CheckpointFile> out;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", absent)) {
    if (const auto update = update_in(entry.path().filename().string()))
      out.push_back({*update, entry.path()});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.update > b.update; });
  return out;
}

std::optional<CheckpointFile> latest_checkpoint(const fs::path& run) {
  const auto all = list_checkpoints(run);
  std::string reasons;
  for (const CheckpointFile& file : all) {
    try {
      const SafetensorsReader complete(file.path);
      if (!reasons.empty()) log_warning("checkpoints passed over:{}\nusing {}", reasons, file.path.string());
      return file;
    } catch (const DataError& error) {
      reasons += fmt::format("\n  {}", error.what());
    }
  }
  check<DataError>(all.empty(), "no checkpoint of {} can be read:{}\nremove them to start the run anew",
                   run.string(), reasons);
  return std::nullopt;
}

fs::path find_checkpoint(const fs::path& file_or_run) {
  if (!fs::is_directory(file_or_run)) return file_or_run;
  const auto latest = latest_checkpoint(file_or_run);
  check<DataError>(latest.has_value(),
                   "{} holds no checkpoint: expected checkpoints/update_*.safetensors in it; give a run "
                   "folder that has one, or a checkpoint file",
                   file_or_run.string());
  return latest->path;
}

void prune_checkpoints(const fs::path& run, int64_t keep_last, int64_t keep_every) {
  const auto all = list_checkpoints(run);
  for (size_t i = static_cast<size_t>(keep_last); i < all.size(); ++i) {
    if (keep_every > 0 && all[i].update % keep_every == 0) continue;
    std::error_code error;
    if (!fs::remove(all[i].path, error) && error) {
      log_warning("old checkpoint {} cannot be removed: {}", all[i].path.string(), error.message());
    }
  }
}

}  // namespace d2v
