// Element-wise work of a block and of a decoder layer on rows that are still in the core's cache: bias, GELU,
// residual, LayerNorm, softmax, and their gradients. SIMD by Highway, chosen at run time; for float and double.
//
// Matrices are row-major (rows, width) without gaps.
#pragma once

#include <cstdint>

namespace d2v {

// LayerNorm of a sum: branch += bias; n = normalised(residual + branch); out = n·weight + shift.
// `residual` or `branch`, `bias`, `weight`, `shift` and `sum` may be null; `normalised` and `rstd` too, when no gradient
// is wanted.
template <class T>
struct NormForward {
  const T* residual = nullptr;
  T* branch = nullptr;
  const T* bias = nullptr;
  const T* weight = nullptr;
  const T* shift = nullptr;
  T eps = 0;
  T* normalised = nullptr;  // n, (rows, width)
  T* rstd = nullptr;        // 1/sqrt(variance + eps), (rows)
  T* sum = nullptr;         // residual + branch, before the norm
  T* out = nullptr;         // may be `branch` or `normalised`
};

// From the gradient of `out` that of the sum, in place: rstd·(g·weight - mean(g·weight) - n·mean(g·weight·n)).
// The gradients of weight and shift are added where they are not null.
template <class T>
struct NormBackward {
  T* gradient = nullptr;
  const T* normalised = nullptr;
  const T* rstd = nullptr;
  const T* weight = nullptr;
  T* weight_gradient = nullptr;
  T* shift_gradient = nullptr;
};

// What is added to the attention logits of one row and head, (queries, keys): factor·alibi + bias. Either may be null;
// their rows are `stride` elements apart, 0 where all queries share one.
template <class T>
struct LogitTerms {
  const T* alibi = nullptr;
  int64_t alibi_stride = 0;
  T factor = 1;
  const T* bias = nullptr;
  int64_t bias_stride = 0;
};

template <class T>
struct RowKernels {
  // h += bias; a = gelu(h) by the Gaussian's distribution function; float: to 2e-6 of the value for |h| < 5.
  void (*bias_gelu)(T* h, const T* bias, T* a, int64_t rows, int64_t width);
  // a = gelu(h); gradient *= gelu'(h).
  void (*gelu_backward)(const T* h, T* a, T* gradient, int64_t count);
  // out = gelu(n) + residual (null: none).
  void (*gelu_residual)(const T* n, const T* residual, T* out, int64_t count);
  void (*sum_norm)(const NormForward<T>& norm, int64_t rows, int64_t width);
  void (*norm_backward)(const NormBackward<T>& norm, int64_t rows, int64_t width);
  // r = n·weight + shift (null: 1 and 0): what sum_norm gave as `out`.
  void (*scale_shift)(const T* n, const T* weight, const T* shift, T* r, int64_t rows, int64_t width);
  // x += y.
  void (*add_rows)(T* x, const T* y, int64_t count);
  // sum += column sums of x.
  void (*add_column_sums)(const T* x, T* sum, int64_t rows, int64_t width);
  // Softmax of each row of logits + terms, in place.
  void (*softmax_rows)(T* logits, const LogitTerms<T>& terms, int64_t rows, int64_t width);
  // gradient = p·(gradient - Σ p·gradient), row by row.
  void (*softmax_backward)(const T* p, T* gradient, int64_t rows, int64_t width);
  // x = 0 where bits < threshold, else x·kept.
  void (*drop)(const uint32_t* bits, uint32_t threshold, T kept, T* x, int64_t count);
  // out = x·y.
  void (*multiply)(const T* x, const T* y, T* out, int64_t count);
  // Σ x·y.
  T (*dot)(const T* x, const T* y, int64_t count);
};

// For T = float and double.
template <class T>
const RowKernels<T>& row_kernels();

}  // namespace d2v
