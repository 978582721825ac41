// Masks per second and core: the published image recipe (14×14 patches), speech, text.
#include <benchmark/benchmark.h>

#include "d2v/pipeline/masks.h"

namespace {

void draw(benchmark::State& state, const d2v::MaskConfig& config, const d2v::MaskGrid& grid) {
  const d2v::MaskPlan plan = d2v::plan_masks(config, grid);
  std::vector<int64_t> visible(plan.visible), masked(plan.masked);
  d2v::MaskScratch scratch;
  d2v::RngKey key{.seed = 1, .stream = d2v::Stream::mask};
  for (auto _ : state) {
    ++key.sample;
    d2v::draw_mask(plan, key, scratch, visible, masked);
    benchmark::DoNotOptimize(visible.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

void image_base(benchmark::State& state) { draw(state, {}, {14, 14, false}); }
void image_random(benchmark::State& state) {
  draw(state, {.kind = d2v::MaskKind::random, .prob = 0.75}, {14, 14, false});
}
void speech_base(benchmark::State& state) {
  draw(state, {.kind = d2v::MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5},
       d2v::sequence_grid(499));
}
void text_base(benchmark::State& state) {
  draw(state, {.kind = d2v::MaskKind::random, .prob = 0.48}, d2v::sequence_grid(512));
}

BENCHMARK(image_base);
BENCHMARK(image_random);
BENCHMARK(speech_base);
BENCHMARK(text_base);

}  // namespace
