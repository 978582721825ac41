#include "d2v/pipeline/bad_files.h"

#include "d2v/base/check.h"

namespace d2v {

void BadFileList::add(uint32_t row, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  BadFile& file = files_[row];
  if (file.count == 0) file = {source_.samples[row].path, reason, 0};
  ++file.count;
  if (static_cast<double>(files_.size()) <= max_fraction_ * static_cast<double>(source_.size())) return;

  constexpr size_t kShown = 3;
  std::string names;
  size_t shown = 0;
  for (const auto& [at, bad] : files_) {
    if (shown++ == kShown) break;
    names += fmt::format("\n  {}: {}", bad.path, bad.reason);
  }
  if (files_.size() > kShown) names += "\n  …";
  fail<DataError>(
      "{}: {} of {} pictures cannot be read, more than data.max_bad_fraction {} allows; mend or remove them, "
      "or raise "
      "that option:{}",
      source_.root.string(), files_.size(), source_.size(), max_fraction_, names);
}

std::vector<BadFile> BadFileList::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<BadFile> list;
  list.reserve(files_.size());
  for (const auto& [row, file] : files_) list.push_back(file);
  return list;
}

}  // namespace d2v
