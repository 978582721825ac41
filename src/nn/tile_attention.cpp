#include "d2v/nn/tile_attention.h"

#include <algorithm>

#include "d2v/nn/gemm.h"
#include "dropout_stream.h"

namespace d2v {

namespace {

// Of few positions the BLAS spends more time on beginning than on multiplying (benchmarks/nn_product_bench.cpp).
constexpr int64_t shortest_for_blas = 48;

// C (m, n) = alpha·A·B.
template <class T>
void attention_product(const AttentionShape<T>& shape, int64_t m, int64_t n, int64_t k, T alpha, Matrix<T> a,
                       Matrix<T> b, T* c, int64_t ldc, T* panels) {
  if (shape.length < shortest_for_blas)
    multiply(m, n, k, alpha, a, b, T(0), c, ldc, panels);
  else
    gemm(m, n, k, alpha, a, b, T(0), c, ldc);
}

// p (N, N) = softmax(scale·q·kᵀ + terms).
template <class T>
void probabilities(const AttentionShape<T>& shape, const T* q, const T* k, const LogitTerms<T>& terms,
                   T* panels, T* p) {
  const int64_t n = shape.length;
  attention_product(shape, n, n, shape.head_size, shape.scale, Matrix<T>{q, shape.stride},
                    transposed(k, shape.stride), p, n, panels);
  row_kernels<T>().softmax_rows(p, terms, n, n);
}

// p *= what is kept of it.
template <class T>
void drop_probabilities(const ProbabilityDrop& drop, T* p, int64_t n) {
  for (int64_t query = 0; query < n; ++query)
    drop_stream(attention_dropout_key(drop.key, drop.site, drop.head, query), drop.rate, 0, p + query * n, n);
}

// ∂/∂factor: Σ logit_gradient·alibi.
template <class T>
T factor_gradient_of(const LogitTerms<T>& terms, const T* logit_gradient, int64_t n) {
  T sum = 0;
  for (int64_t query = 0; query < n; ++query)
    sum += row_kernels<T>().dot(logit_gradient + query * n, terms.alibi + query * terms.alibi_stride, n);
  return sum;
}

}  // namespace

template <class T>
void attend(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, const LogitTerms<T>& terms,
            const ProbabilityDrop& drop, T* scratch, T* out, int64_t out_stride) {
  const int64_t n = shape.length;
  T* panels = scratch;
  T* p = panels + attention_panels(shape);
  probabilities(shape, q, k, terms, panels, p);
  if (drop.rate > 0) drop_probabilities(drop, p, n);
  attention_product(shape, n, shape.head_size, n, T(1), Matrix<T>{p, n}, Matrix<T>{v, shape.stride}, out,
                    out_stride, panels);
}

template <class T>
void attend_backward(const AttentionShape<T>& shape, const T* q, const T* k, const T* v,
                     const LogitTerms<T>& terms, const ProbabilityDrop& drop, const T* out_gradient,
                     int64_t out_stride, T* scratch, T* factor_gradient, T* dq, T* dk, T* dv) {
  const int64_t n = shape.length, size = shape.head_size, stride = shape.stride, square = n * n;
  const RowKernels<T>& kernels = row_kernels<T>();
  T* panels = scratch;
  T* p = panels + attention_panels(shape);
  T* logit_gradient = p + square;
  const Matrix<T> gradient{out_gradient, out_stride};
  probabilities(shape, q, k, terms, panels, p);

  const T* read = p;  // what the values were multiplied by
  T* kept = drop.rate > 0 ? logit_gradient + square : nullptr;
  if (kept) {
    std::fill_n(kept, square, T(1));
    drop_probabilities(drop, kept, n);
    kernels.multiply(p, kept, logit_gradient, square);
    read = logit_gradient;
  }
  attention_product(shape, n, size, n, T(1), transposed(read, n), gradient, dv, stride, panels);
  attention_product(shape, n, n, size, T(1), gradient, transposed(v, stride), logit_gradient, n, panels);
  if (kept) kernels.multiply(logit_gradient, kept, logit_gradient, square);
  kernels.softmax_backward(p, logit_gradient, n, n);
  if (factor_gradient) *factor_gradient += factor_gradient_of(terms, logit_gradient, n);
  attention_product(shape, n, size, n, shape.scale, Matrix<T>{logit_gradient, n}, Matrix<T>{k, stride}, dq,
                    stride, panels);
  attention_product(shape, n, size, n, shape.scale, transposed(logit_gradient, n), Matrix<T>{q, stride}, dk,
                    stride, panels);
}

template void attend(const AttentionShape<float>&, const float*, const float*, const float*,
                     const LogitTerms<float>&, const ProbabilityDrop&, float*, float*, int64_t);
template void attend(const AttentionShape<double>&, const double*, const double*, const double*,
                     const LogitTerms<double>&, const ProbabilityDrop&, double*, double*, int64_t);
template void attend_backward(const AttentionShape<float>&, const float*, const float*, const float*,
                              const LogitTerms<float>&, const ProbabilityDrop&, const float*, int64_t, float*,
                              float*, float*, float*, float*);
template void attend_backward(const AttentionShape<double>&, const double*, const double*, const double*,
                              const LogitTerms<double>&, const ProbabilityDrop&, const double*, int64_t,
                              double*, double*, double*, double*, double*);

}  // namespace d2v
