#include "d2v/nn/panel_product.h"

#include "d2v/nn/simd.h"

// One body per instruction set that matters here, as in row_kernels.cpp.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "panel_product.cpp"
// foreach_target comes before what it compiles again.
// clang-format off
#include "hwy/foreach_target.h"
#include "panel_product-inl.h"
// clang-format on

#if HWY_ONCE
namespace d2v {

HWY_EXPORT(float_products);
HWY_EXPORT(double_products);

template <>
const ProductKernels<float>& product_kernels<float>() {
  static const ProductKernels<float>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(float_products)());
  return table;
}
template <>
const ProductKernels<double>& product_kernels<double>() {
  static const ProductKernels<double>& table = (choose_simd(), HWY_DYNAMIC_DISPATCH(double_products)());
  return table;
}

}  // namespace d2v
#endif
