// Softmax of attention logits with what is added to them; compiled once per instruction set.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

#if defined(D2V_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_SOFTMAX_INL
#undef D2V_SOFTMAX_INL
#else
#define D2V_SOFTMAX_INL
#endif

#include "d2v/nn/row_kernels.h"
#include "row_parts-inl.h"

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void add_rows(T* x, const T* y, int64_t count) {
  const hn::ScalableTag<T> d;
  over(d, count, [&](int64_t i, auto part) {
    part.store(hn::Add(part.load(d, x + i), part.load(d, y + i)), d, x + i);
  });
}

// row += factor·terms.
template <class T>
void add_scaled(T* row, const T* terms, T factor, int64_t count) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, factor);
  over(d, count, [&](int64_t i, auto part) {
    part.store(hn::MulAdd(scale, part.load(d, terms + i), part.load(d, row + i)), d, row + i);
  });
}

template <class T>
void softmax_rows(T* logits, const LogitTerms<T>& terms, int64_t rows, int64_t width) {
  const hn::ScalableTag<T> d;
  for (int64_t r = 0; r < rows; ++r) {
    T* row = logits + r * width;
    if (terms.alibi) add_scaled(row, terms.alibi + r * terms.alibi_stride, terms.factor, width);
    if (terms.bias) add_rows(row, terms.bias + r * terms.bias_stride, width);
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

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
