// What masks look like: connected groups, overlap of clones.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "d2v/pipeline/masks.h"

namespace d2v {

// Number of groups of `positions` that hang together: by an edge in 2-D (4-connected), as runs in a sequence.
int64_t count_components(const MaskGrid& grid, std::span<const int64_t> positions);

// |a ∩ b| / |a ∪ b| of two increasing lists; 0 where both are empty.
double intersection_over_union(std::span<const int64_t> a, std::span<const int64_t> b);

struct MeanAndDeviation {
  double mean = 0;
  double std = 0;  // of single draws, n - 1
  double min = 0;
  double max = 0;
};

// Over `samples` samples with mask.clones masks each, drawn as in a run with this seed.
struct MaskStats {
  MaskPlan plan;
  int64_t samples = 0;
  int64_t clones = 0;
  MeanAndDeviation visible_components;
  MeanAndDeviation masked_components;
  MeanAndDeviation
      clone_overlap;  // intersection over union of the masked positions of two neighbouring clones
  double least_visible_share = 0;  // over positions: how often one is kept
  double most_visible_share = 0;
  double never_visible_share = 0;  // positions of a sample that no clone keeps
};
MaskStats measure_masks(const MaskConfig& mask, const MaskGrid& grid, uint64_t seed, int64_t samples);

// The table that `d2v masks stats` prints.
std::string format_mask_stats(const MaskStats& stats);

}  // namespace d2v
