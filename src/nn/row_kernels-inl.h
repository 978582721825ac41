// Bodies of row_kernels.h, compiled once per instruction set.
#include <cmath>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

#if defined(D2V_ROW_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_ROW_KERNELS_INL
#undef D2V_ROW_KERNELS_INL
#else
#define D2V_ROW_KERNELS_INL
#endif

#include "d2v/nn/row_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How a vector of a row is read and written: a whole one, or the masked rest at the row's end. Masked lanes read as 0.
struct Whole {
  template <class D, class T>
  HWY_INLINE hn::Vec<D> load(D d, const T* p) const {
    return hn::LoadU(d, p);
  }
  template <class D, class T>
  HWY_INLINE hn::Vec<D> load_or(D d, const T* p, hn::Vec<D>) const {
    return hn::LoadU(d, p);
  }
  template <class D, class T>
  HWY_INLINE void store(hn::Vec<D> v, D d, T* p) const {
    hn::StoreU(v, d, p);
  }
  // What does not belong to the row counts as 0 in sums.
  template <class D>
  HWY_INLINE hn::Vec<D> keep(D, hn::Vec<D> v) const {
    return v;
  }
};
template <class D>
struct Rest {
  hn::Mask<D> mask;
  template <class T>
  HWY_INLINE hn::Vec<D> load(D d, const T* p) const {
    return hn::MaskedLoad(mask, d, p);
  }
  template <class T>
  HWY_INLINE hn::Vec<D> load_or(D d, const T* p, hn::Vec<D> other) const {
    return hn::IfThenElse(mask, hn::MaskedLoad(mask, d, p), other);
  }
  template <class T>
  HWY_INLINE void store(hn::Vec<D> v, D d, T* p) const {
    hn::BlendedStore(v, mask, d, p);
  }
  HWY_INLINE hn::Vec<D> keep(D, hn::Vec<D> v) const { return hn::IfThenElseZero(mask, v); }
};
// Calls f(offset, Whole or Rest) along a row of n elements.
template <class D, class F>
HWY_INLINE void over(D d, int64_t n, F&& f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(i, Whole{});
  if (i < n) f(i, Rest<D>{hn::FirstN(d, static_cast<size_t>(n - i))});
}

// exp(-x²/2) and Φ(-|x|) = exp(-x²/2)·R(|x|). R is the Mills ratio over √(2π), a polynomial in s = 1/(1 + c·|x|) whose
// coefficients are a minimax fit over [0, 40] with relative error 1.2e-8.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_tail(D d, V x, V& bell) {
  using T = hn::TFromD<D>;
  constexpr double c = 0.31;
  constexpr double coefficients[] = {0.1236725672,  0.123653104,    0.1121088697, 0.085071209,
                                     0.07202530384, -0.03440408206, 0.1192498987, -0.1841179675,
                                     0.1035994114,  -0.02085832012};
  bell = hn::Exp(d, hn::Mul(hn::Mul(x, x), hn::Set(d, static_cast<T>(-0.5))));
  const V s = hn::Div(hn::Set(d, static_cast<T>(1)),
                      hn::MulAdd(hn::Abs(x), hn::Set(d, static_cast<T>(c)), hn::Set(d, static_cast<T>(1))));
  V sum = hn::Set(d, static_cast<T>(coefficients[9]));
  for (int i = 8; i >= 0; --i) sum = hn::MulAdd(sum, s, hn::Set(d, static_cast<T>(coefficients[i])));
  return hn::Mul(bell, hn::Mul(sum, s));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V normal_distribution(D d, V x, V& bell) {
  const V tail = normal_tail(d, x, bell);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(hn::Set(d, hn::TFromD<D>(1)), tail));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu_of(D d, V x) {
  V bell;
  return hn::Mul(x, normal_distribution(d, x, bell));
}

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
      auto x = part.load(d, norm.branch + row + i);
      if (norm.bias) {
        x = hn::Add(x, part.load(d, norm.bias + i));
        part.store(x, d, norm.branch + row + i);
      }
      if (norm.residual) x = hn::Add(x, part.load(d, norm.residual + row + i));
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
void add_rows(T* x, const T* y, int64_t count) {
  const hn::ScalableTag<T> d;
  over(d, count, [&](int64_t i, auto part) {
    part.store(hn::Add(part.load(d, x + i), part.load(d, y + i)), d, x + i);
  });
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
void softmax_rows(T* logits, const T* bias, int64_t bias_stride, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  for (int64_t r = 0; r < rows; ++r) {
    T* row = logits + r * width;
    if (bias) add_rows(row, bias + r * bias_stride, width);
    auto top = hn::Set(d, row[0]);
    over(d, width, [&](int64_t i, auto part) { top = hn::Max(top, part.load_or(d, row + i, top)); });
    const auto highest = hn::MaxOfLanes(d, top);
    auto sum = hn::Zero(d);
    over(d, width, [&](int64_t i, auto part) {
      const auto e = hn::Exp(d, hn::Sub(part.load(d, row + i), highest));
      part.store(e, d, row + i);
      sum = hn::Add(sum, part.keep(d, e));
    });
    const auto inverse = hn::Set(d, static_cast<T>(1) / hn::GetLane(hn::SumOfLanes(d, sum)));
    over(d, width,
         [&](int64_t i, auto part) { part.store(hn::Mul(part.load(d, row + i), inverse), d, row + i); });
  }
}

template <class T>
void softmax_backward(const T* p, T* gradient, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  for (int64_t row = 0; row < rows * width; row += width) {
    auto dot = hn::Zero(d);
    over(d, width, [&](int64_t i, auto part) {
      dot = hn::MulAdd(part.load(d, p + row + i), part.load(d, gradient + row + i), dot);
    });
    const auto mean = hn::SumOfLanes(d, dot);
    over(d, width, [&](int64_t i, auto part) {
      const auto g = hn::Sub(part.load(d, gradient + row + i), mean);
      part.store(hn::Mul(part.load(d, p + row + i), g), d, gradient + row + i);
    });
  }
}

template <class T>
const RowKernels<T>& make_table() {
  static constexpr RowKernels<T> table{
      bias_gelu<T>,   gelu_backward<T>, gelu_residual<T>,   sum_norm<T>,     norm_backward<T>,
      scale_shift<T>, add_rows<T>,      add_column_sums<T>, softmax_rows<T>, softmax_backward<T>};
  return table;
}
const RowKernels<float>& float_kernels() { return make_table<float>(); }
const RowKernels<double>& double_kernels() { return make_table<double>(); }

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
