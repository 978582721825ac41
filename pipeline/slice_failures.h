// What could not be read of one slice, in the order of its samples, whichever threads found it. Private to the pipeline.
//
// A run stops for bad files by what stands here, counted slice by slice as they are handed out: so it stops at the same
// slice, with the same words, for any number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

namespace d2v {

// One read that failed.
struct FailedRead {
  int64_t sample = 0;  // of the slice: for which it was tried
  uint32_t row = 0;
  std::string reason;
};

// Thread-safe, but for taking everything out at the end.
class SliceFailures {
 public:
  // In the order of tries of one sample; samples in any order.
  void add(int64_t sample, uint32_t row, const std::string& reason);
  // Nothing takes the place of `sample`: the run stops here, by `error`, or without one because too many files are bad.
  void end(int64_t sample, std::exception_ptr error);
  // Whether it matters how `sample` fares: not where one before it stops the run.
  bool matters(int64_t sample) const { return sample <= ended_at_; }

  // All failures, those of a slice's first samples first, up to the sample that `end` named.
  std::vector<FailedRead> in_order();
  // Of the first sample that `end` named; null: none.
  std::exception_ptr error() const { return error_; }

 private:
  std::mutex mutex_;
  std::vector<FailedRead> failures_;
  std::atomic<int64_t> ended_at_ = std::numeric_limits<int64_t>::max();
  std::exception_ptr error_;
};

}  // namespace d2v
