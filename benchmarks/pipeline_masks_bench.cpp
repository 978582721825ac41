// Masks per second and core, every kind, at the sizes of the published recipes: items_per_second. One thread, nothing but
// draw_mask.
#include <benchmark/benchmark.h>

#include "d2v/pipeline/masks.h"

namespace {

using d2v::MaskConfig;
using d2v::MaskKind;

void draw(benchmark::State& state, const MaskConfig& config, const d2v::MaskGrid& grid) {
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

void patches(benchmark::State& state, const MaskConfig& config) { draw(state, config, {14, 14, false}); }

// The argument is T.
void sequence(benchmark::State& state, const MaskConfig& config) {
  draw(state, config, d2v::sequence_grid(state.range(0)));
}

constexpr int64_t kText = 512, kSpeech = 999;

BENCHMARK_CAPTURE(patches, inverse_block_base, MaskConfig{});
BENCHMARK_CAPTURE(patches, inverse_block_large, MaskConfig{.prob = 0.75, .adjust = 0.1});
BENCHMARK_CAPTURE(patches, block, MaskConfig{.kind = MaskKind::block, .prob = 0.5});
BENCHMARK_CAPTURE(patches, random, MaskConfig{.kind = MaskKind::random, .prob = 0.75});
BENCHMARK_CAPTURE(patches, beit, MaskConfig{.kind = MaskKind::beit, .prob = 0.6});
BENCHMARK_CAPTURE(sequence, block,
                  MaskConfig{.kind = MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5})
    ->Arg(kText)
    ->Arg(kSpeech);
BENCHMARK_CAPTURE(sequence, inverse_block, MaskConfig{.prob = 0.5, .adjust = 0.05, .block = 5})
    ->Arg(kText)
    ->Arg(kSpeech);
BENCHMARK_CAPTURE(sequence, random, MaskConfig{.kind = MaskKind::random, .prob = 0.48})
    ->Arg(kText)
    ->Arg(kSpeech);
BENCHMARK_CAPTURE(sequence, wav2vec, MaskConfig{.kind = MaskKind::spans, .prob = 0.65, .block = 10})
    ->Arg(kText)
    ->Arg(kSpeech);
BENCHMARK_CAPTURE(sequence, bert_tokens, MaskConfig{.kind = MaskKind::bert, .prob = 0.15, .block = 1})
    ->Arg(kText);
BENCHMARK_CAPTURE(sequence, bert_runs, MaskConfig{.kind = MaskKind::bert, .prob = 0.48, .block = 4})
    ->Arg(kText);

}  // namespace
