// Going along a row vector by vector; compiled once per instruction set.
#include <cstdint>

#include "hwy/highway.h"

#if defined(D2V_ROW_PARTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_ROW_PARTS_INL
#undef D2V_ROW_PARTS_INL
#else
#define D2V_ROW_PARTS_INL
#endif

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

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
