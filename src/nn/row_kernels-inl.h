// Bodies of row_kernels.h, compiled once per instruction set.
#include <cmath>

#include "hwy/highway.h"

#if defined(D2V_ROW_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_ROW_KERNELS_INL
#undef D2V_ROW_KERNELS_INL
#else
#define D2V_ROW_KERNELS_INL
#endif

#include "d2v/nn/row_kernels.h"
#include "gelu-inl.h"
#include "row_parts-inl.h"
#include "softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void bias_gelu(T* h, const T* bias, T* a, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  for (int64_t r = 0; r < rows; ++r, h += width, a += width) {
    over(d, width, [&](int64_t i, auto part) {
      const auto x = hn::Add(part.load(d, h + i), part.load(d, bias + i));
      part.store(x, d, h + i);
      part.store(gelu_of(d, x), d, a + i);
    });
  }
}

template <class T>
void gelu_backward(const T* h, T* a, T* gradient, int64_t count) {
  const hn::ScalableTag<T> d;
  const auto root = hn::Set(d, static_cast<T>(0.3989422804014327));  // 1/√(2π)
  over(d, count, [&](int64_t i, auto part) {
    const auto x = part.load(d, h + i);
    auto bell = hn::Zero(d);
    const auto below = normal_distribution(d, x, bell);
    part.store(hn::Mul(x, below), d, a + i);
    const auto slope = hn::MulAdd(x, hn::Mul(bell, root), below);
    part.store(hn::Mul(part.load(d, gradient + i), slope), d, gradient + i);
  });
}

template <class T>
void gelu_residual(const T* n, const T* residual, T* out, int64_t count) {
  const hn::ScalableTag<T> d;
  over(d, count, [&](int64_t i, auto part) {
    auto y = gelu_of(d, part.load(d, n + i));
    if (residual) y = hn::Add(y, part.load(d, residual + i));
    part.store(y, d, out + i);
  });
}

template <class T>
void sum_norm(const NormForward<T>& norm, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  const T count = static_cast<T>(width);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = r * width;
    T* out = norm.out + row;
    auto sum = hn::Zero(d);
    over(d, width, [&](int64_t i, auto part) {
      auto x = norm.branch ? part.load(d, norm.branch + row + i) : hn::Zero(d);
      if (norm.bias) {
        x = hn::Add(x, part.load(d, norm.bias + i));
        part.store(x, d, norm.branch + row + i);
      }
      if (norm.residual) x = hn::Add(x, part.load(d, norm.residual + row + i));
      if (norm.sum) part.store(x, d, norm.sum + row + i);
      part.store(x, d, out + i);
      sum = hn::Add(sum, part.keep(d, x));
    });
    const auto mean = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, sum)) / count);
    auto squares = hn::Zero(d);
    over(d, width, [&](int64_t i, auto part) {
      const auto x = part.keep(d, hn::Sub(part.load(d, out + i), mean));
      squares = hn::MulAdd(x, x, squares);
    });
    const T variance = hn::GetLane(hn::SumOfLanes(d, squares)) / count;
    const T rstd = static_cast<T>(1) / std::sqrt(variance + norm.eps);
    if (norm.rstd) norm.rstd[r] = rstd;
    const auto scale = hn::Set(d, rstd);
    over(d, width, [&](int64_t i, auto part) {
      auto n = hn::Mul(hn::Sub(part.load(d, out + i), mean), scale);
      if (norm.normalised) part.store(n, d, norm.normalised + row + i);
      if (norm.weight) n = hn::Mul(n, part.load(d, norm.weight + i));
      if (norm.shift) n = hn::Add(n, part.load(d, norm.shift + i));
      part.store(n, d, out + i);
    });
  }
}

template <class T>
void scale_shift(const T* n, const T* weight, const T* shift, T* r, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  for (int64_t row = 0; row < rows * width; row += width) {
    over(d, width, [&](int64_t i, auto part) {
      auto x = part.load(d, n + row + i);
      if (weight) x = hn::Mul(x, part.load(d, weight + i));
      if (shift) x = hn::Add(x, part.load(d, shift + i));
      part.store(x, d, r + row + i);
    });
  }
}

template <class T>
void norm_backward(const NormBackward<T>& norm, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  const T count = static_cast<T>(width);
  for (int64_t r = 0; r < rows; ++r) {
    T* gradient = norm.gradient + r * width;
    const T* n = norm.normalised + r * width;
    auto sum = hn::Zero(d), dot = hn::Zero(d);
    over(d, width, [&](int64_t i, auto part) {
      auto g = part.load(d, gradient + i);
      const auto x = part.load(d, n + i);
      if (norm.shift_gradient)
        part.store(hn::Add(part.load(d, norm.shift_gradient + i), g), d, norm.shift_gradient + i);
      if (norm.weight_gradient)
        part.store(hn::MulAdd(g, x, part.load(d, norm.weight_gradient + i)), d, norm.weight_gradient + i);
      if (norm.weight) {
        g = hn::Mul(g, part.load(d, norm.weight + i));
        part.store(g, d, gradient + i);
      }
      sum = hn::Add(sum, g);  // masked lanes are loaded as 0
      dot = hn::MulAdd(g, x, dot);
    });
    const auto mean = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, sum)) / count);
    const auto along = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, dot)) / count);
    const auto rstd = hn::Set(d, norm.rstd[r]);
    over(d, width, [&](int64_t i, auto part) {
      const auto g = hn::Sub(part.load(d, gradient + i), mean);
      part.store(hn::Mul(rstd, hn::NegMulAdd(part.load(d, n + i), along, g)), d, gradient + i);
    });
  }
}

template <class T>
void add_column_sums(const T* x, T* sum, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  over(d, width, [&](int64_t i, auto part) {
    auto total = part.load(d, sum + i);
    for (int64_t r = 0; r < rows; ++r) total = hn::Add(total, part.load(d, x + r * width + i));
    part.store(total, d, sum + i);
  });
}

template <class T>
void drop(const uint32_t* bits, uint32_t threshold, T kept, T* x, int64_t count) {
  if constexpr (sizeof(T) == sizeof(uint32_t)) {
    const hn::ScalableTag<T> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), whole = count - count % lanes;
    const auto limit = hn::Set(du, threshold);
    const auto scale = hn::Set(d, kept);
    for (int64_t i = 0; i < whole; i += lanes) {
      const auto dropped = hn::RebindMask(d, hn::Lt(hn::LoadU(du, bits + i), limit));
      hn::StoreU(hn::IfThenZeroElse(dropped, hn::Mul(hn::LoadU(d, x + i), scale)), d, x + i);
    }
    for (int64_t i = whole; i < count; ++i) x[i] = bits[i] < threshold ? T(0) : x[i] * kept;
  } else {
    for (int64_t i = 0; i < count; ++i) x[i] = bits[i] < threshold ? T(0) : x[i] * kept;
  }
}

template <class T>
void multiply(const T* x, const T* y, T* out, int64_t count) {
  const hn::ScalableTag<T> d;
  over(d, count, [&](int64_t i, auto part) {
    part.store(hn::Mul(part.load(d, x + i), part.load(d, y + i)), d, out + i);
  });
}

template <class T>
T dot(const T* x, const T* y, int64_t count) {
  const hn::ScalableTag<T> d;
  auto sum = hn::Zero(d);
  over(d, count,
       [&](int64_t i, auto part) { sum = hn::MulAdd(part.load(d, x + i), part.load(d, y + i), sum); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class T>
const RowKernels<T>& make_table() {
  static constexpr RowKernels<T> table{.bias_gelu = bias_gelu<T>,
                                       .gelu_backward = gelu_backward<T>,
                                       .gelu_residual = gelu_residual<T>,
                                       .sum_norm = sum_norm<T>,
                                       .norm_backward = norm_backward<T>,
                                       .scale_shift = scale_shift<T>,
                                       .add_rows = add_rows<T>,
                                       .add_column_sums = add_column_sums<T>,
                                       .softmax_rows = softmax_rows<T>,
                                       .softmax_backward = softmax_backward<T>,
                                       .drop = drop<T>,
                                       .multiply = multiply<T>,
                                       .dot = dot<T>};
  return table;
}
const RowKernels<float>& float_kernels() { return make_table<float>(); }
const RowKernels<double>& double_kernels() { return make_table<double>(); }

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
