// Matrix products on plain memory, for kernels that work tile by tile.
#pragma once

#include <cstdint>

namespace d2v {

// C (m, n) = alpha·A·B + beta·C for row-major matrices; `lda` and so on are elements between rows. An operand that is
// `transposed` is stored the other way round: A as (k, m), B as (n, k). Calls LibTorch's BLAS, which runs on the
// calling thread alone inside a parallel region.
template <class T>
struct Matrix {
  const T* data;
  int64_t stride;
  bool transposed = false;
};
template <class T>
Matrix<T> transposed(const T* data, int64_t stride) {
  return {data, stride, true};
}

void gemm(int64_t m, int64_t n, int64_t k, float alpha, Matrix<float> a, Matrix<float> b, float beta,
          float* c, int64_t ldc);
void gemm(int64_t m, int64_t n, int64_t k, double alpha, Matrix<double> a, Matrix<double> b, double beta,
          double* c, int64_t ldc);

}  // namespace d2v
