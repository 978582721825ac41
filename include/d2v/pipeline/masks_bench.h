// How many masks a second one core draws for a recipe.
#pragma once

#include <cstdint>

#include "d2v/pipeline/masks.h"

namespace d2v {

struct MasksBench {
  int64_t masks = 0;  // drawn while timed
  double seconds = 0;
  double each() const { return masks > 0 ? seconds / static_cast<double>(masks) : 0; }
  double per_second() const { return seconds > 0 ? static_cast<double>(masks) / seconds : 0; }
};

// Draws masks of the plan for about `seconds`, `clones` for one sample after the other, as the loader does.
MasksBench bench_masks(const MaskPlan& plan, int64_t clones, double seconds);

}  // namespace d2v
