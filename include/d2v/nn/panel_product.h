// Matrix products of our own, on one thread: for a right factor that is read again and again.
//
// A BLAS copies the right factor into the order in which its kernel reads it at every call. Here that is a step of its own:
// `pack` lays B (k, n) out in panels of some columns, each panel row by row, and `multiply` reads them as often as wanted.
// The order in which a product's terms are added does not depend on m, so rows may be cut into pieces at will.
#pragma once

#include <cstdint>

#include "d2v/nn/gemm.h"

namespace d2v {

template <class T>
struct ProductKernels {
  int64_t panel_width;  // columns of a panel; depends on the instruction set

  // B (k, n), or stored the other way round, into panels; columns beyond n are zeros.
  void (*pack)(const Matrix<T>& b, int64_t k, int64_t n, T* panels);

  // C (m, n) = alpha·A·B + beta·C with A (m, k), or stored the other way round; `ldc` elements between rows of C. C is not
  // read where beta is 0.
  void (*multiply)(int64_t m, int64_t n, int64_t k, T alpha, const Matrix<T>& a, const T* panels, T beta,
                   T* c, int64_t ldc);

  // Elements of the panels of a (k, n) matrix.
  int64_t panel_size(int64_t k, int64_t n) const {
    return (n + panel_width - 1) / panel_width * panel_width * k;
  }
};

// float or double. Throws as choose_simd (simd.h).
template <class T>
const ProductKernels<T>& product_kernels();

// C = alpha·A·B + beta·C with room for the panels of B in `panels`.
template <class T>
void multiply(int64_t m, int64_t n, int64_t k, T alpha, const Matrix<T>& a, const Matrix<T>& b, T beta, T* c,
              int64_t ldc, T* panels) {
  const ProductKernels<T>& kernels = product_kernels<T>();
  kernels.pack(b, k, n, panels);
  kernels.multiply(m, n, k, alpha, a, panels, beta, c, ldc);
}

}  // namespace d2v
