// Which rows of several sources an epoch of their mix has (mixed_source.h). Private to the pipeline.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/pipeline/plan.h"

namespace d2v {

class MixDraws {
 public:
  // Windows of rows, each with all shares' rows in it; together they have every row once. Throws UsageError where a weight is so
  // small that an epoch has no sample of its source.
  MixDraws(const std::vector<SourceShare>& shares, const std::vector<std::vector<uint32_t>>& windows,
           uint64_t seed);

  // Draws from a window: the same number in every epoch.
  int64_t count(size_t window) const { return counts_[window]; }
  // Appends them, source by source.
  void draw(int64_t epoch, size_t window, std::vector<Draw>& out) const;

 private:
  // Rows of one source in one window.
  struct Stratum {
    std::vector<uint32_t> rows;
    int64_t quota = 0;  // draws per epoch
  };
  std::vector<uint32_t> shuffled(const Stratum& stratum, uint64_t number, size_t window, size_t share) const;

  uint64_t seed_;
  std::vector<std::vector<Stratum>> strata_;  // by window and share
  std::vector<int64_t> counts_;
};

}  // namespace d2v
