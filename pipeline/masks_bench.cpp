#include "d2v/pipeline/masks_bench.h"

#include <vector>

#include "d2v/base/part_clock.h"
#include "d2v/base/philox.h"

namespace d2v {

MasksBench bench_masks(const MaskPlan& plan, int64_t clones, double seconds) {
  constexpr int64_t samples_between_looks = 64;  // at the clock
  std::vector<int64_t> visible(static_cast<size_t>(plan.visible)), masked(static_cast<size_t>(plan.masked));
  MaskScratch scratch;
  RngKey key{.seed = 1, .stream = Stream::mask};
  MasksBench out;
  const auto draw = [&] {
    for (int64_t m = 0; m < clones; ++m) {
      key.clone = static_cast<uint32_t>(m);
      draw_mask(plan, key, scratch, visible, masked);
    }
    ++key.sample;
  };
  draw();  // fills the working memory
  const double start = seconds_now();
  do {
    for (int64_t i = 0; i < samples_between_looks; ++i) draw();
    out.masks += samples_between_looks * clones;
    out.seconds = seconds_now() - start;
  } while (out.seconds < seconds);
  return out;
}

}  // namespace d2v
