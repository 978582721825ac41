#include "d2v/nn/gemm.h"

// The BLAS that libtorch_cpu exports, Fortran calling convention, 32-bit integers.
extern "C" {
void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
            const int*, const float*, const int*, const float*, float*, const int*);
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*,
            const int*, const double*, const int*, const double*, double*, const int*);
}

namespace d2v {

namespace {

// Column-major BLAS sees a row-major matrix transposed: C' = B'·A'.
template <class T, class Blas>
void row_major(Blas blas, int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c,
               int64_t ldc) {
  const int columns = static_cast<int>(n), rows = static_cast<int>(m), inner = static_cast<int>(k),
            b_stride = static_cast<int>(b.stride), a_stride = static_cast<int>(a.stride),
            c_stride = static_cast<int>(ldc);
  blas(b.transposed ? "T" : "N", a.transposed ? "T" : "N", &columns, &rows, &inner, &alpha, b.data, &b_stride,
       a.data, &a_stride, &beta, c, &c_stride);
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, float alpha, Matrix<float> a, Matrix<float> b, float beta,
          float* c, int64_t ldc) {
  row_major(sgemm_, m, n, k, alpha, a, b, beta, c, ldc);
}

void gemm(int64_t m, int64_t n, int64_t k, double alpha, Matrix<double> a, Matrix<double> b, double beta,
          double* c, int64_t ldc) {
  row_major(dgemm_, m, n, k, alpha, a, b, beta, c, ldc);
}

}  // namespace d2v
