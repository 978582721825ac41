#include "slice_failures.h"

#include <algorithm>
#include <utility>

namespace d2v {

void SliceFailures::add(int64_t sample, uint32_t row, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  failures_.push_back({sample, row, reason});
}

void SliceFailures::end(int64_t sample, std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (sample >= ended_at_) return;
  ended_at_ = sample;
  error_ = std::move(error);
}

std::vector<FailedRead> SliceFailures::in_order() {
  std::erase_if(failures_, [&](const FailedRead& failed) { return !matters(failed.sample); });
  std::stable_sort(failures_.begin(), failures_.end(),
                   [](const FailedRead& a, const FailedRead& b) { return a.sample < b.sample; });
  return std::move(failures_);
}

}  // namespace d2v
