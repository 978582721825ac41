// One transformer block, forward and backward: tile by tile against operation by operation, in turn.
// The cases are the blocks of recipes: post-norm students (a small model and ViT-B/16, 2,560 tokens), MAE's encoder and
// decoder (batch 8, 224 px), the student of speech (10 s, learned ALiBi scale, dropout) and of text (512 tokens, dropout).
#include <chrono>
#include <ctime>

#include <benchmark/benchmark.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/fused_block.h"

namespace {

using namespace d2v;

struct BenchCase {
  const char* name;
  int64_t dim, heads, rows, length;
  bool pre_norm, alibi;
  double dropout;
};

constexpr BenchCase bench_cases[] = {
    {"post_norm_small", 192, 3, 128, 20, false, false, 0},
    {"post_norm_vit_b", 768, 12, 64, 40, false, false, 0},
    {"mae_encoder", 768, 12, 8, 50, true, false, 0},
    {"mae_decoder", 512, 16, 8, 197, true, false, 0},
    {"speech_alibi", 768, 12, 8, 250, false, true, 0},
    {"speech_alibi_dropout", 768, 12, 8, 250, false, true, 0.1},
    {"text_dropout", 768, 12, 8, 266, false, false, 0.1},
};

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

// One iteration runs both; the time shown is that of the tile-wise block, the counters what the plain one takes more.
void block_in_turn(benchmark::State& state) {
  const BenchCase& c = bench_cases[state.range(0)];
  state.SetLabel(c.name);
  ModelConfig config;
  config.dim = c.dim;
  config.heads = c.heads;
  config.layer_norm_first = c.pre_norm;
  config.attention_dropout = config.encoder_dropout = config.post_mlp_dropout = c.dropout;
  const BlockWeights weights = make_weights(c.dim);
  const at::Tensor x = at::randn({c.rows, c.length, c.dim}).requires_grad_(),
                   direction = at::randn(x.sizes());
  const at::Tensor scale = at::ones({1, c.heads, 1, 1}).requires_grad_();
  BiasTerms bias;
  if (c.alibi) bias.alibi = -at::rand({c.rows, c.heads, c.length, c.length});
  RowKeys keys;
  for (int64_t row = 0; row < c.rows; ++row)
    keys.push_back({.seed = 1, .sample = static_cast<uint64_t>(row)});

  struct Time {
    double wall = 0, processor = 0;
  };
  const auto add_time = [&](auto block, Time& sum) {
    if (c.alibi) bias.factor = scale.clamp_min(0);
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor = std::clock();
    block(weights, config, x, bias, 0, keys, 0).output.backward(direction);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    sum.wall += wall;
    sum.processor += static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
    return wall;
  };
  Time fused, plain, warm_up;
  add_time(fused_block, warm_up);
  add_time(plain_block, warm_up);
  for (auto _ : state) {
    state.SetIterationTime(add_time(fused_block, fused));
    add_time(plain_block, plain);
  }
  // The second is worth more on a machine that others use; take it with OMP_NUM_THREADS=1.
  state.counters["plain/fused"] = plain.wall / fused.wall;
  state.counters["processor"] = plain.processor / fused.processor;
  const double dim = static_cast<double>(c.dim),
               per_token = 24 * dim * dim + 4 * static_cast<double>(c.length) * dim;
  state.counters["GFLOP/s"] = 3e-9 * per_token * static_cast<double>(c.rows * c.length) *
                              static_cast<double>(state.iterations()) / fused.wall;
}

BENCHMARK(block_in_turn)
    ->DenseRange(0, std::size(bench_cases) - 1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
