// Linear layers and their gradients on plain memory. Weights are (out, in).
#pragma once

#include <cstdint>

#include "d2v/nn/gemm.h"
#include "d2v/nn/panel_product.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

// A weight as the products read it. Panels are those of panel_product.h; without them LibTorch's BLAS multiplies.
template <class T>
struct LinearWeight {
  const T* plain = nullptr;
  const T* panels = nullptr;           // of Wᵀ (in, out)
  const T* gradient_panels = nullptr;  // of W (out, in)
};

// y (n, out) = x (n, in)·Wᵀ.
template <class T>
void linear(const T* x, const LinearWeight<T>& weight, T* y, int64_t n, int64_t in, int64_t out) {
  if (weight.panels)
    product_kernels<T>().multiply(n, out, in, T(1), {x, in}, weight.panels, T(0), y, out);
  else
    gemm(n, out, in, T(1), Matrix<T>{x, in}, transposed(weight.plain, in), T(0), y, out);
}

// dx (n, in) = beta·dx + dy·W.
template <class T>
void linear_input_gradient(const T* dy, const LinearWeight<T>& weight, T beta, T* dx, int64_t n, int64_t in,
                           int64_t out) {
  if (weight.gradient_panels)
    product_kernels<T>().multiply(n, in, out, T(1), {dy, out}, weight.gradient_panels, beta, dx, in);
  else
    gemm(n, in, out, T(1), Matrix<T>{dy, out}, Matrix<T>{weight.plain, in}, beta, dx, in);
}

// dW += dyᵀ·x, db += column sums of dy. `panels` has room for those of x; null: LibTorch's BLAS multiplies.
template <class T>
void linear_weight_gradient(const T* dy, const T* x, T* weight, T* bias, int64_t n, int64_t in, int64_t out,
                            T* panels) {
  if (panels)
    multiply(out, in, n, T(1), transposed(dy, out), Matrix<T>{x, in}, T(1), weight, in, panels);
  else
    gemm(out, in, n, T(1), transposed(dy, out), Matrix<T>{x, in}, T(1), weight, in);
  row_kernels<T>().add_column_sums(dy, bias, n, out);
}

}  // namespace d2v
