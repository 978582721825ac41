// The masks of data2vec 1: wav2vec's spans and BERT's runs, BEiT's rectangles.
#include <algorithm>
#include <bit>
#include <cmath>

#include "mask_bits.h"

namespace d2v {
namespace {

// Tries of one rectangle before BEiT's rule stops.
constexpr int kTries = 10;

// Marked positions of a rectangle.
int64_t count_marked(const MaskGrid& grid, const uint64_t* words, int64_t top, int64_t left, int64_t height,
                     int64_t width) {
  int64_t count = 0;
  for (int64_t y = top; y < top + height; ++y) {
    for (int64_t x = left; x < left + width; ++x) {
      const int64_t at = y * grid.columns + x;
      count += static_cast<int64_t>(words[at >> 6] >> (at & 63) & 1);
    }
  }
  return count;
}

// One rectangle with from 1 to `most` new positions; how many they are, 0 when no try gave one.
int64_t draw_rectangle(const MaskPlan& plan, int64_t most, MaskRandom& random, uint64_t* words) {
  const MaskGrid& grid = plan.grid;
  const double log_aspect = std::log(plan.aspect);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double area = random.uniform(static_cast<double>(plan.area_min), static_cast<double>(most));
    const double aspect = std::exp(random.uniform(log_aspect, -log_aspect));
    const auto height = static_cast<int64_t>(std::nearbyint(std::sqrt(area * aspect)));
    const auto width = static_cast<int64_t>(std::nearbyint(std::sqrt(area / aspect)));
    if (height < 1 || width < 1 || height >= grid.rows || width >= grid.columns) continue;
    const int64_t top = random.below(static_cast<uint32_t>(grid.rows - height + 1));
    const int64_t left = random.below(static_cast<uint32_t>(grid.columns - width + 1));
    const int64_t added = height * width - count_marked(grid, words, top, left, height, width);
    if (added == 0 || added > most) continue;
    for (int64_t y = top; y < top + height; ++y) {
      for (int64_t x = 0; x < width; x += 64)
        set_run(words, y * grid.columns + left + x, std::min<int64_t>(width - x, 64));
    }
    return added;
  }
  return 0;
}

}  // namespace

void draw_spans(const MaskPlan& plan, MaskRandom& random, MaskScratch& scratch, uint64_t* words) {
  const auto wanted = static_cast<int64_t>(plan.mean_starts + random.uniform());
  const int64_t starts = std::clamp<int64_t>(wanted, 1, plan.start_range);
  scratch.starts.assign(static_cast<size_t>((plan.start_range + 63) / 64), 0);
  change_random_bits<true>(scratch.starts.data(), plan.start_range, starts, random);
  for (size_t word = 0; word < scratch.starts.size(); ++word) {
    for (uint64_t left = scratch.starts[word]; left != 0; left &= left - 1) {
      const int64_t start = static_cast<int64_t>(word) * 64 + std::countr_zero(left);
      set_run(words, start, std::min(plan.block, plan.grid.positions() - start));
    }
  }
}

void draw_rectangles(const MaskPlan& plan, MaskRandom& random, uint64_t* words) {
  for (int64_t missing = plan.masked; missing > 0;) {
    const int64_t added = draw_rectangle(plan, std::min(missing, plan.area_max), random, words);
    if (added == 0) return;
    missing -= added;
  }
}

}  // namespace d2v
