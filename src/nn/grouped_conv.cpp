#include "d2v/nn/grouped_conv.h"

#include "d2v/nn/simd.h"

// One body per instruction set that matters here; the oldest is what every x86-64 processor has.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "grouped_conv.cpp"
// foreach_target comes before what it compiles again.
// clang-format off
#include "hwy/foreach_target.h"
#include "grouped_conv-inl.h"
// clang-format on

#if HWY_ONCE
namespace d2v {

HWY_EXPORT(float_conv);
HWY_EXPORT(double_conv);

template <>
const GroupedConv<float>& grouped_conv<float>() {
  static const GroupedConv<float>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(float_conv)());
  return table;
}
template <>
const GroupedConv<double>& grouped_conv<double>() {
  static const GroupedConv<double>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(double_conv)());
  return table;
}

}  // namespace d2v
#endif
