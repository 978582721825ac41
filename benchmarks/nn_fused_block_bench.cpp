// One transformer block, forward and backward: tile by tile against operation by operation.
// Student of a small model (D 192, 20 visible tokens) and of ViT-B/16 (D 768, 40 tokens), 2,560 tokens each.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include "d2v/nn/fused_block.h"

namespace {

using namespace d2v;

BlockWeights make_weights(int64_t dim) {
  const auto weight = [](at::IntArrayRef shape) { return at::randn(shape).mul_(0.02).requires_grad_(); };
  BlockWeights w;
  w.attention = {weight({3 * dim, dim}), weight({3 * dim}), weight({dim, dim}), weight({dim})};
  w.norm1 = {at::ones({dim}).requires_grad_(), weight({dim})};
  w.norm2 = {at::ones({dim}).requires_grad_(), weight({dim})};
  w.fc1_weight = weight({4 * dim, dim});
  w.fc1_bias = weight({4 * dim});
  w.fc2_weight = weight({dim, 4 * dim});
  w.fc2_bias = weight({dim});
  return w;
}

// range(0): D; range(1): tokens of a row.
template <class Block>
void step(benchmark::State& state, Block&& block) {
  const int64_t dim = state.range(0), length = state.range(1), rows = 2560 / length;
  ModelConfig config;
  config.dim = dim;
  config.heads = dim / 64;
  const BlockWeights weights = make_weights(dim);
  const at::Tensor x = at::randn({rows, length, dim}).requires_grad_(),
                   direction = at::randn({rows, length, dim});
  for (auto _ : state) block(weights, config, x).output.backward(direction);
  const double per_token = 24.0 * static_cast<double>(dim * dim) + 4.0 * static_cast<double>(length * dim);
  state.counters["GFLOP/s"] =
      benchmark::Counter(3e-9 * per_token * static_cast<double>(rows * length * state.iterations()),
                         benchmark::Counter::kIsRate);
}

void block_fused(benchmark::State& state) {
  step(state, [](auto& w, auto& config, auto& x) { return fused_block(w, config, x, {}); });
}
void block_plain(benchmark::State& state) {
  step(state, [](auto& w, auto& config, auto& x) { return plain_block(w, config, x, {}, 0, {}, 0); });
}

BENCHMARK(block_fused)->Args({192, 20})->Args({768, 40})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(block_plain)->Args({192, 20})->Args({768, 40})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
