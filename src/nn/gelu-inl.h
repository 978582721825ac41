// GELU by the normal distribution; compiled once per instruction set.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

#if defined(D2V_GELU_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_GELU_INL
#undef D2V_GELU_INL
#else
#define D2V_GELU_INL
#endif

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
