// What all masks of a batch have in common (method, section 6): the grid, the kind, how many positions are visible, and how
// many starting points are drawn.
#pragma once

#include <cstdint>

#include "d2v/base/config/data.h"
#include "d2v/base/patches.h"

namespace d2v {

// The positions of a sample: rows × columns patches in row-major order, or a sequence.
struct MaskGrid {
  int64_t rows = 1;
  int64_t columns = 1;
  bool sequence = false;  // blocks are runs of b positions instead of b×b squares
  int64_t positions() const { return rows * columns; }
};

MaskGrid mask_grid(const PatchGrid& patches);
// (size / patch)² patches. Throws UsageError where the patch does not divide the size.
MaskGrid image_grid(const ImageConfig& image);
MaskGrid sequence_grid(int64_t length);

// Everything that is the same for all masks of a batch.
struct MaskPlan {
  MaskGrid grid;
  MaskKind kind = MaskKind::inverse_block;
  int64_t block = 1;  // b
  int64_t starts = 0;  // N = floor(T·(1-R+A)/b² · (1+dropout)); R instead of 1-R for `block`, b for sequences
  int64_t visible = 0;     // V = floor(T·(1-R)); T - floor(T·R) for `block` and `beit`; in double precision
  int64_t masked = 0;      // T - V; of spans and BERT's runs the number that is hidden on average
  double mean_starts = 0;  // spans, bert: R·T / b; each mask has floor(that + U[0, 1)) runs, at least one
  int64_t start_range = 0;             // spans, bert: they begin in [0, start_range), without replacement
  int64_t area_min = 0, area_max = 0;  // beit: patches of a rectangle
  double aspect = 1;                   // beit: height / width in [aspect, 1 / aspect], log-uniform
};

// The plan at mask ratio `prob`. Throws UsageError where nothing would be kept, hidden, or no block drawn; where the grid
// or mask.dropout does not go with the kind: dropout is for blocks (and changes nothing of single positions).
MaskPlan plan_masks(const MaskConfig& mask, const MaskGrid& grid, double prob);

// The same for mask.prob; checks mask.prob_min too when that is set.
MaskPlan plan_masks(const MaskConfig& mask, const MaskGrid& grid);

// The plan with exactly `masked` hidden positions; blocks are drawn as for that share, runs as for `prob`. Throws
// UsageError as above.
MaskPlan plan_masks_of(const MaskConfig& mask, const MaskGrid& grid, double prob, int64_t masked);

// R of an update: mask.prob, or uniform in [prob_min, prob] by the key (seed, Stream::batch, update).
double mask_ratio(const MaskConfig& mask, uint64_t seed, int64_t update);

}  // namespace d2v
