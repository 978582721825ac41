// Element-wise work on rows: one pass of our kernels against LibTorch's operations one after the other.
// 256 tokens, the tile that a block works on, of ViT-B's feed-forward (3072), ViT-B (768) and a small model (192). One thread, since
// a tile belongs to one; without gradients, which both sides write out by hand.

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/row_kernels.h"

namespace {

using namespace d2v;

constexpr int64_t rows = 256;

struct Tile {
  explicit Tile(int64_t width)
      : x(at::randn({rows, width})),
        y(at::randn({rows, width})),
        gradient(at::randn({rows, width})),
        weight(at::randn({width})),
        bias(at::randn({width})),
        weight_gradient(at::zeros({width})),
        shift_gradient(at::zeros({width})),
        out(at::empty({rows, width})),
        normal(at::empty({rows, width})),
        rstd(at::empty({rows})) {
    at::set_num_threads(1);
  }
  at::Tensor x, y, gradient, weight, bias, weight_gradient, shift_gradient, out, normal, rstd;
};

float* data(at::Tensor& t) { return t.mutable_data_ptr<float>(); }

template <class Work>
void measure(benchmark::State& state, Work&& work) {
  const at::NoGradGuard no_grad;
  Tile tile(state.range(0));
  for (auto _ : state) {
    work(tile, state.range(0));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * rows * state.range(0));
}

void bias_gelu_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    row_kernels<float>().bias_gelu(data(t.y), data(t.bias), data(t.out), rows, width);
    t.y.copy_(t.x);  // else h grows without end; the plain version copies as well
  });
}
void bias_gelu_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t) {
    t.y.add_(t.bias);
    at::gelu_out(t.out, t.y);
    t.y.copy_(t.x);
  });
}

void gelu_backward_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    t.y.copy_(t.gradient);
    row_kernels<float>().gelu_backward(data(t.x), data(t.out), data(t.y), rows * width);
  });
}
void gelu_backward_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t) {
    t.y.copy_(at::gelu_backward(t.gradient, t.x));
    at::gelu_out(t.out, t.x);  // which the weight gradient needs
  });
}

void gelu_residual_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    row_kernels<float>().gelu_residual(data(t.x), data(t.y), data(t.out), rows * width);
  });
}
void gelu_residual_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t) { at::gelu_out(t.out, t.x).add_(t.y); });
}

void sum_norm_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    NormForward<float> norm;
    norm.residual = data(t.x);
    norm.branch = data(t.y);
    norm.weight = data(t.weight);
    norm.shift = data(t.bias);
    norm.eps = 1e-6F;
    norm.normalised = data(t.normal);
    norm.rstd = data(t.rstd);
    norm.out = data(t.out);
    row_kernels<float>().sum_norm(norm, rows, width);
  });
}
void sum_norm_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    t.out = at::layer_norm(t.x + t.y, {width}, t.weight, t.bias, 1e-6, /*cudnn_enable=*/false);
  });
}

void norm_backward_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    t.y.copy_(t.gradient);
    NormBackward<float> norm;
    norm.gradient = data(t.y);
    norm.normalised = data(t.x);
    norm.rstd = data(t.rstd.fill_(1));
    norm.weight = data(t.weight);
    norm.weight_gradient = data(t.weight_gradient);
    norm.shift_gradient = data(t.shift_gradient);
    row_kernels<float>().norm_backward(norm, rows, width);
  });
}
void norm_backward_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    const at::Tensor mean = at::zeros({rows, 1}), rstd = at::ones({rows, 1});
    const auto gradients = at::native_layer_norm_backward(t.gradient, t.x, {width}, mean, rstd, t.weight,
                                                          t.bias, {true, true, true});
    t.y = std::get<0>(gradients);
  });
}

// 256 rows of logits over 256 or 40 keys.
void softmax_fused(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t width) {
    t.out.copy_(t.x);
    row_kernels<float>().softmax_rows(data(t.out), {}, rows, width);
  });
}
void softmax_plain(benchmark::State& state) {
  measure(state, [](Tile& t, int64_t) { at::softmax_out(t.out, t.x, -1); });
}

BENCHMARK(bias_gelu_fused)->Arg(3072)->Arg(768);
BENCHMARK(bias_gelu_plain)->Arg(3072)->Arg(768);
BENCHMARK(gelu_backward_fused)->Arg(3072)->Arg(768);
BENCHMARK(gelu_backward_plain)->Arg(3072)->Arg(768);
BENCHMARK(gelu_residual_fused)->Arg(768)->Arg(192);
BENCHMARK(gelu_residual_plain)->Arg(768)->Arg(192);
BENCHMARK(sum_norm_fused)->Arg(768)->Arg(192);
BENCHMARK(sum_norm_plain)->Arg(768)->Arg(192);
BENCHMARK(norm_backward_fused)->Arg(768)->Arg(192);
BENCHMARK(norm_backward_plain)->Arg(768)->Arg(192);
BENCHMARK(softmax_fused)->Arg(256)->Arg(40);
BENCHMARK(softmax_plain)->Arg(256)->Arg(40);

}  // namespace
