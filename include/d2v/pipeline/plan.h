// The plan: which samples belong to which update, slice by slice.
//
// A pure function of (seed, number of samples, batch settings): the order of an epoch is a Fisher-Yates shuffle keyed
// by (seed, Stream::order, epoch). The update number alone is the position; resuming at any update costs one shuffle.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/base/config/data.h"

namespace d2v {

struct PlanSettings {
  int64_t samples = 0;     // N, of the source
  int64_t batch = 0;       // samples per update (B_global)
  int64_t accumulate = 1;  // slices per update
  bool drop_last = true;
  bool shuffle = true;  // false: in the order of the source
  uint64_t seed = 0;
};

// One slice: what one forward and backward pass sees.
struct Slice {
  int64_t epoch = 0;
  int64_t update = 0;
  int64_t part = 0;            // within the update
  int64_t update_samples = 0;  // of all slices of the update
  std::vector<uint32_t> rows;  // indices in the source
};

class Plan {
 public:
  // Throws UsageError where the batch is larger than the data set, or `accumulate` does not divide it;
  // DataError where there are no samples.
  explicit Plan(const PlanSettings& settings);

  int64_t updates_per_epoch() const { return updates_per_epoch_; }
  int64_t epoch_of(int64_t update) const { return update / updates_per_epoch_; }
  // Slices of an update; fewer than `accumulate` only where the last batch of an epoch has fewer samples than that.
  int64_t parts_of(int64_t update) const;
  // Keeps the order of one epoch, so asking in the order of updates shuffles once per epoch. Not thread-safe.
  Slice slice(int64_t update, int64_t part);

 private:
  struct Extent {
    int64_t first;
    int64_t count;
  };
  Extent samples_of(int64_t update) const;  // within the order of its epoch

  PlanSettings settings_;
  int64_t updates_per_epoch_ = 0;
  int64_t ordered_epoch_ = -1;
  std::vector<uint32_t> order_;
};

}  // namespace d2v
