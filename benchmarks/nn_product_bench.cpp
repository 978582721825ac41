// Products of a tile of tokens with a linear layer's weight and their gradients, one thread: own kernel and LibTorch's BLAS in
// turn. Panels of weights are made beforehand, those of the other factor each time, as a block does it.
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include "d2v/base/philox.h"
#include "d2v/nn/panel_product.h"

namespace {

using namespace d2v;

enum class Factor { weight, weight_turned, tokens };

struct ProductBench {
  const char* name;
  int64_t m, n, k;
  Factor right;
};

constexpr ProductBench product_benches[] = {
    {"192: first MLP layer", 128, 768, 192, Factor::weight_turned},
    {"192: second MLP layer", 128, 192, 768, Factor::weight_turned},
    {"192: gradient of its input", 128, 768, 192, Factor::weight},
    {"192: gradient of its weight", 192, 768, 128, Factor::tokens},
    {"768: first MLP layer", 256, 3072, 768, Factor::weight_turned},
    {"768: second MLP layer", 256, 768, 3072, Factor::weight_turned},
    {"768: gradient of its input", 256, 3072, 768, Factor::weight},
    {"768: gradient of its weight", 768, 3072, 256, Factor::tokens},
    {"attention: logits of 13 tokens", 13, 13, 64, Factor::tokens},
    {"attention: logits of 65 tokens", 65, 65, 64, Factor::tokens},
    {"attention: logits of 250 tokens", 250, 250, 64, Factor::tokens},
};

std::vector<float> random_values(int64_t count, uint64_t seed) {
  Philox random({.seed = seed});
  std::vector<float> out(static_cast<size_t>(count));
  for (float& x : out) x = static_cast<float>(random.uniform(-1, 1));
  return out;
}

// The time shown is the own kernel's; the counter is what the BLAS takes more.
void product_in_turn(benchmark::State& state) {
  const ProductBench& p = product_benches[state.range(0)];
  state.SetLabel(p.name);
  const std::vector<float> left = random_values(p.m * p.k, 1), right = random_values(p.k * p.n, 2);
  std::vector<float> c(static_cast<size_t>(p.m * p.n));
  const bool gradient = p.right == Factor::tokens, turned = p.right == Factor::weight_turned;
  const Matrix<float> a{left.data(), gradient ? p.m : p.k, gradient},
      b{right.data(), turned ? p.k : p.n, turned};
  const float beta = gradient ? 1 : 0;
  const ProductKernels<float>& kernels = product_kernels<float>();
  std::vector<float> panels(static_cast<size_t>(kernels.panel_size(p.k, p.n)));
  kernels.pack(b, p.k, p.n, panels.data());
  const auto seconds = [](auto&& f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double own = 0, blas = 0;
  for (auto _ : state) {
    blas += seconds([&] { gemm(p.m, p.n, p.k, 1.0f, a, b, beta, c.data(), p.n); });
    const double now = seconds([&] {
      if (gradient) kernels.pack(b, p.k, p.n, panels.data());
      kernels.multiply(p.m, p.n, p.k, 1, a, panels.data(), beta, c.data(), p.n);
    });
    own += now;
    state.SetIterationTime(now);
  }
  benchmark::DoNotOptimize(c.data());
  const double work = 2e-9 * static_cast<double>(p.m * p.n * p.k) * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = work / own;
  state.counters["BLAS GFLOP/s"] = work / blas;
  state.counters["BLAS/own"] = blas / own;
}
BENCHMARK(product_in_turn)->DenseRange(0, std::size(product_benches) - 1)->UseManualTime();

}  // namespace
