// The one-dimensional decoder's layers of the published text and speech models, forward and backward.
#include <benchmark/benchmark.h>

#include "d2v/decoders/conv_decoder_1d.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/rows.h"

namespace {

using namespace d2v;

// range(0): 1 for text, 0 for speech. The loss reads half of the positions.
template <class Layers>
void decode_over_time(benchmark::State& state, Layers&& layers) {
  const bool text = state.range(0);
  DecoderConfig config;
  config.dim = text ? 768 : 384;
  config.groups = text ? 1 : 16;
  config.kernel = text ? 9 : 7;
  config.layers = text ? 5 : 4;
  config.residual = !text;
  const int64_t views = 8, length = text ? 512 : 499;
  ConvDecoderWeights weights;
  double flops = 0;
  for (int64_t i = 0; i < config.layers; ++i) {
    const int64_t in = (i ? config.dim : 768) / config.groups;
    weights.conv_weight.push_back(at::randn({config.dim, in, config.kernel}).mul_(0.02).requires_grad_());
    weights.conv_bias.push_back(at::zeros({config.dim}).requires_grad_());
    flops += 6e-9 * static_cast<double>(config.dim * in * config.kernel * views * length);
  }
  const at::Tensor x = at::randn({views, length, 768}).requires_grad_(),
                   direction = at::randn({views, length / 2, config.dim}),
                   rows = std::get<0>(std::get<1>(at::rand({views, length}).topk(length / 2, 1)).sort(1));
  for (auto _ : state) layers(weights, config, x, rows).backward(direction);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void decoder_1d_fused(benchmark::State& state) {
  decode_over_time(state, [](auto& w, auto& config, auto& x, auto& rows) {
    return conv_decoder_layers_1d(w, config, x, {}, rows);
  });
}
void decoder_1d_plain(benchmark::State& state) {
  decode_over_time(state, [](auto& w, auto& config, auto& x, auto& rows) {
    return take_rows(plain_conv_layers_1d(w, config, x, {}), rows);
  });
}

BENCHMARK(decoder_1d_fused)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(decoder_1d_plain)->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
