// Speech's feature extractor on ten seconds of audio, forward and backward: layers of matrix products against the
// library's convolutions.
#include <benchmark/benchmark.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/conv_features.h"

namespace {

using namespace d2v;

// range(0): samples.
template <class Extractor>
void extract(benchmark::State& state, Extractor&& extractor) {
  const std::vector<ConvLayer> layers = parse_conv_layers("512:10:5, 512:3:2 x4, 512:2:2 x2");
  ConvFeatureWeights weights;
  int64_t in = 1;
  for (const ConvLayer& layer : layers) {
    weights.conv.push_back(at::randn({layer.channels, in, layer.kernel}).mul_(0.05).requires_grad_());
    weights.norm.push_back(
        {at::ones({layer.channels}).requires_grad_(), at::zeros({layer.channels}).requires_grad_()});
    in = layer.channels;
  }
  const at::Tensor x = at::randn({1, state.range(0)}),
                   direction = at::randn({1, conv_frames(layers, state.range(0)), in});
  for (auto _ : state) extractor(weights, layers, x).backward(direction);
}
void extractor_fused(benchmark::State& state) { extract(state, conv_features); }
void extractor_plain(benchmark::State& state) { extract(state, plain_conv_features); }

BENCHMARK(extractor_fused)->Arg(160000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(extractor_plain)->Arg(160000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
