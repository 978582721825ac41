// Targets of a teacher's last layers, normalised and averaged: make_targets against LibTorch's operations on all layers at
// once. 4 pictures of ViT-B (196 patches, 10 layers), 64 of a small model (64 patches of 192, 8 layers); norms as in the
// published image recipe.
#include <benchmark/benchmark.h>

#include "d2v/model/targets.h"
#include "d2v/nn/aten.h"

namespace {

using namespace d2v;

std::vector<at::Tensor> teacher_layers(const benchmark::State& state) {
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < state.range(3); ++i)
    out.push_back(at::randn({state.range(0), state.range(1), state.range(2)}));
  return out;
}

template <class Make>
void measure(benchmark::State& state, Make&& make) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> layers = teacher_layers(state);
  for (auto _ : state) benchmark::DoNotOptimize(make(layers));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void targets_made(benchmark::State& state) {
  TargetConfig config;
  config.layers = state.range(3);
  config.layer_norm = NormKind::instance;
  config.final_norm = NormKind::layer;
  measure(state, [&](const auto& layers) { return make_targets(layers, config); });
}

// As the published code does it.
void targets_plain(benchmark::State& state) {
  measure(state, [&](const std::vector<at::Tensor>& layers) {
    std::vector<at::Tensor> normal;
    for (const at::Tensor& layer : layers)
      normal.push_back(
          at::instance_norm(layer.transpose(1, 2), {}, {}, {}, {}, true, 0.1, 1e-5, false).transpose(1, 2));
    at::Tensor sum = normal[0];
    for (size_t i = 1; i < normal.size(); ++i) sum = sum + normal[i];
    const at::Tensor mean = sum / static_cast<double>(normal.size());
    return at::layer_norm(mean, {mean.size(-1)}, {}, {}, 1e-5, false);
  });
}

BENCHMARK(targets_made)
    ->Args({4, 196, 768, 10})
    ->Args({64, 64, 192, 8})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(targets_plain)
    ->Args({4, 196, 768, 10})
    ->Args({64, 64, 192, 8})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
