// The conv decoder's layers, forward and backward: image by image against operation by operation.
// A small model's decoder (8×8 patches, 192 channels) and ViT-B's (14×14, 768), 16 groups each.
#include <benchmark/benchmark.h>

#include "d2v/decoders/fused_conv_decoder.h"
#include "d2v/nn/aten.h"

namespace {

using namespace d2v;

// range(0): channels; range(1): side; range(2): views.
template <class Layers>
void decode_grid(benchmark::State& state, Layers&& layers) {
  const int64_t dim = state.range(0), side = state.range(1), views = state.range(2);
  DecoderConfig config;
  config.dim = dim;
  config.layers = 3;
  ConvDecoderWeights weights;
  for (int64_t i = 0; i < config.layers; ++i) {
    weights.conv_weight.push_back(at::randn({dim, dim / config.groups, 3, 3}).mul_(0.1).requires_grad_());
    weights.conv_bias.push_back(at::zeros({dim}).requires_grad_());
  }
  const at::Tensor x = at::randn({views, side * side, dim}).requires_grad_(),
                   direction = at::randn({views, side * side, dim});
  for (auto _ : state) layers(weights, config, x, side).backward(direction);
  const double flops =
      3e-9 * 2 * 9 * static_cast<double>(config.layers * views * side * side * dim * (dim / config.groups));
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void conv_fused(benchmark::State& state) {
  decode_grid(state, [](auto& w, auto& config, auto& x, int64_t side) {
    return fused_conv_layers(w, config, x, side, side);
  });
}
void conv_plain(benchmark::State& state) {
  decode_grid(state, [](auto& w, auto& config, auto& x, int64_t side) {
    return plain_conv_layers(w, config, x, side, side);
  });
}

BENCHMARK(conv_fused)->Args({192, 8, 256})->Args({768, 14, 16})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(conv_plain)->Args({192, 8, 256})->Args({768, 14, 16})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
