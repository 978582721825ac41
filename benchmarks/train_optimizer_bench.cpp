// Gradient norm, clipping, AdamW and EMA over the weights of a small model (5 million) and of 50 million: one pass over the arenas
// against LibTorch's operations over the same arenas, one after the other.
#include <algorithm>
#include <cmath>

#include <benchmark/benchmark.h>

#include "d2v/nn/aten.h"
#include "d2v/train/optimizer.h"

namespace {

using namespace d2v;

struct Arenas {
  explicit Arenas(int64_t count)
      : layout(std::vector<Parameter>{{"w", {count}, Init::normal, 0.02}}),
        weights(make_arena(layout.size(), at::kFloat)),
        gradients(make_arena(layout.size(), at::kFloat)),
        teacher(make_arena(layout.teacher_size(), at::kFloat)),
        state(layout) {
    weights.normal_();
    gradients.normal_();
  }
  ParameterLayout layout;
  at::Tensor weights, gradients, teacher;
  AdamState state;
};

template <class Step>
void measure(benchmark::State& state, Step&& step) {
  const at::NoGradGuard no_grad;
  Arenas arenas(state.range(0));
  const OptimConfig config;
  for (auto _ : state) step(arenas, config);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

constexpr double lr = 1e-3, decay = 0.999;

void optimizer_fused(benchmark::State& state) {
  measure(state, [](Arenas& a, const OptimConfig& config) {
    optimizer_step(a.layout, config, {lr, decay, 1.0}, {a.weights, a.gradients, a.teacher}, a.state);
  });
}

void optimizer_plain(benchmark::State& state) {
  measure(state, [](Arenas& a, const OptimConfig& config) {
    const double norm = a.gradients.norm().item<double>(),
                 limit = config.clip_norm > 0 ? config.clip_norm : 4;
    a.gradients.mul_(std::min(1.0, limit / (norm + 1e-6)));
    const auto t = static_cast<double>(++a.state.steps);
    a.weights.mul_(1 - lr * config.weight_decay);
    a.state.first.mul_(config.beta1).add_(a.gradients, 1 - config.beta1);
    a.state.second.mul_(config.beta2).addcmul_(a.gradients, a.gradients, 1 - config.beta2);
    const double step = lr * std::sqrt(1 - std::pow(config.beta2, t)) / (1 - std::pow(config.beta1, t));
    a.weights.addcdiv_(a.state.first, a.state.second.sqrt().add_(config.eps), -step);
    a.teacher.lerp_(a.weights, 1 - decay);
  });
}

BENCHMARK(optimizer_fused)->Arg(5'000'000)->Arg(50'000'000)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(optimizer_plain)->Arg(5'000'000)->Arg(50'000'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
