#include "d2v/nn/tile_attention.h"

#include "d2v/nn/gemm.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

namespace {

// p (N, N) = softmax(scale·q·kᵀ + bias).
template <class T>
void probabilities(const AttentionShape<T>& shape, const T* q, const T* k, LogitBias<T> bias, T* p) {
  const int64_t n = shape.length;
  gemm(n, n, shape.head_size, shape.scale, Matrix<T>{q, shape.stride}, transposed(k, shape.stride), T(0), p,
       n);
  row_kernels<T>().softmax_rows(p, bias.data, bias.stride, n, n);
}

}  // namespace

template <class T>
void attend(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, LogitBias<T> bias, T* scratch,
            T* out, int64_t out_stride) {
  const int64_t n = shape.length;
  probabilities(shape, q, k, bias, scratch);
  gemm(n, shape.head_size, n, T(1), Matrix<T>{scratch, n}, Matrix<T>{v, shape.stride}, T(0), out, out_stride);
}

template <class T>
void attend_backward(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, LogitBias<T> bias,
                     const T* out_gradient, int64_t out_stride, T* scratch, T* dq, T* dk, T* dv) {
  const int64_t n = shape.length, size = shape.head_size, stride = shape.stride;
  T* p = scratch;
  T* logit_gradient = scratch + n * n;
  const Matrix<T> gradient{out_gradient, out_stride};
  probabilities(shape, q, k, bias, p);
  gemm(n, size, n, T(1), transposed(p, n), gradient, T(0), dv, stride);
  gemm(n, n, size, T(1), gradient, transposed(v, stride), T(0), logit_gradient, n);
  row_kernels<T>().softmax_backward(p, logit_gradient, n, n);
  gemm(n, size, n, shape.scale, Matrix<T>{logit_gradient, n}, Matrix<T>{k, stride}, T(0), dq, stride);
  gemm(n, size, n, shape.scale, transposed(logit_gradient, n), Matrix<T>{q, stride}, T(0), dk, stride);
}

template void attend(const AttentionShape<float>&, const float*, const float*, const float*, LogitBias<float>,
                     float*, float*, int64_t);
template void attend(const AttentionShape<double>&, const double*, const double*, const double*,
                     LogitBias<double>, double*, double*, int64_t);
template void attend_backward(const AttentionShape<float>&, const float*, const float*, const float*,
                              LogitBias<float>, const float*, int64_t, float*, float*, float*, float*);
template void attend_backward(const AttentionShape<double>&, const double*, const double*, const double*,
                              LogitBias<double>, const double*, int64_t, double*, double*, double*, double*);

}  // namespace d2v
