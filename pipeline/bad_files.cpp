#include "d2v/pipeline/bad_files.h"

#include <algorithm>

#include "d2v/base/check.h"

namespace d2v {

BadFileList::BadFileList(const Source& source, double max_fraction)
    : source_(source), max_fraction_(max_fraction) {
  const auto left_out = source.left_out();
  broken_in_scan_ = static_cast<size_t>(
      std::count_if(left_out.begin(), left_out.end(), [](const BadFile& f) { return f.broken; }));
}

void BadFileList::add(uint32_t row, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  BadFile& file = files_[row];
  if (file.count == 0) file = {source_.name(row), reason, 0};
  ++file.count;
  if (!too_many(files_.size())) return;

  const size_t bad = files_.size() + broken_in_scan_, all = source_.size() + broken_in_scan_;
  constexpr size_t kShown = 3;
  std::string names;
  size_t shown = 0;
  for (const auto& [at, named] : files_) {
    if (shown++ == kShown) break;
    names += fmt::format("\n  {}: {}", named.path, named.reason);
  }
  if (bad > kShown) names += "\n  …";
  fail<DataError>(
      "{}: {} of {} {} cannot be read, more than data.max_bad_fraction {} allows; mend or remove them, "
      "or raise that option:{}",
      source_.where(), bad, all, samples_word(source_.modality()), max_fraction_, names);
}

bool BadFileList::too_many(size_t files) const {
  const size_t bad = files + broken_in_scan_, all = source_.size() + broken_in_scan_;
  return static_cast<double>(bad) > max_fraction_ * static_cast<double>(all);
}

std::vector<BadFile> BadFileList::all() const {
  const std::lock_guard lock(mutex_);
  const auto left_out = source_.left_out();
  std::vector<BadFile> list(left_out.begin(), left_out.end());
  for (BadFile& file : list) file.in_scan = true;
  for (const auto& [row, file] : files_) list.push_back(file);
  std::sort(list.begin(), list.end(), [](const BadFile& a, const BadFile& b) { return a.path < b.path; });
  return list;
}

}  // namespace d2v
