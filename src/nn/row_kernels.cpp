#include "d2v/nn/row_kernels.h"

#include "d2v/nn/simd.h"

// One body per instruction set that matters here; the oldest is what every x86-64 processor has.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "row_kernels.cpp"
// foreach_target comes before what it compiles again.
// clang-format off
#include "hwy/foreach_target.h"
#include "row_kernels-inl.h"
// clang-format on

#if HWY_ONCE
namespace d2v {

HWY_EXPORT(float_kernels);
HWY_EXPORT(double_kernels);

template <>
const RowKernels<float>& row_kernels<float>() {
  static const RowKernels<float>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(float_kernels)());
  return table;
}
template <>
const RowKernels<double>& row_kernels<double>() {
  static const RowKernels<double>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(double_kernels)());
  return table;
}

}  // namespace d2v
#endif
