// Linear layers and their gradients on plain memory. Weights are (out, in).
#pragma once

#include <cstdint>

#include "d2v/nn/gemm.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

// y (n, out) = x (n, in)·Wᵀ.
template <class T>
void linear(const T* x, const T* weight, T* y, int64_t n, int64_t in, int64_t out) {
  gemm(n, out, in, T(1), Matrix<T>{x, in}, transposed(weight, in), T(0), y, out);
}

// dx (n, in) = beta·dx + dy·W.
template <class T>
void linear_input_gradient(const T* dy, const T* weight, T beta, T* dx, int64_t n, int64_t in, int64_t out) {
  gemm(n, in, out, T(1), Matrix<T>{dy, out}, Matrix<T>{weight, in}, beta, dx, in);
}

// dW += dyᵀ·x, db += column sums of dy.
template <class T>
void linear_weight_gradient(const T* dy, const T* x, T* weight, T* bias, int64_t n, int64_t in, int64_t out) {
  gemm(out, in, n, T(1), transposed(dy, out), Matrix<T>{x, in}, T(1), weight, in);
  row_kernels<T>().add_column_sums(dy, bias, n, out);
}

}  // namespace d2v
