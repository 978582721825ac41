#include "block_tiles.h"

#include <algorithm>
#include <cmath>

#include "d2v/nn/gemm.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

namespace {

// y (n, out) = x (n, in)·Wᵀ for a weight (out, in).
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

}  // namespace

template <class T>
int64_t BlockTiles<T>::scratch_size(int64_t tokens) const {
  const int64_t attention = tokens * 3 * shape_.dim + 2 * shape_.length * shape_.length;
  const int64_t rest = tokens * (2 * shape_.hidden + 2 * shape_.dim);
  return std::max(attention, rest);
}

template <class T>
AttentionShape<T> BlockTiles<T>::attention_shape() const {
  const int64_t size = shape_.dim / shape_.heads;
  return {shape_.length, size, 3 * shape_.dim, T(1) / std::sqrt(static_cast<T>(size))};
}

template <class T>
void BlockTiles<T>::attention(const T* x, const BlockState<T>& state, int64_t first_row, int64_t rows,
                              T* scratch) const {
  const int64_t dim = shape_.dim, length = shape_.length, first = first_row * length, tokens = rows * length;
  T* qkv = state.qkv + first * 3 * dim;
  linear(x + first * dim, weights_.qkv_weight, qkv, tokens, dim, 3 * dim);
  row_kernels<T>().scale_shift(qkv, nullptr, weights_.qkv_bias, qkv, tokens, 3 * dim);
  const AttentionShape<T> shape = attention_shape();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < shape_.heads; ++head) {
      const T* q = qkv + row * length * 3 * dim + head * shape.head_size;
      T* out = state.mixed + (first + row * length) * dim + head * shape.head_size;
      attend(shape, q, q + dim, q + 2 * dim, bias_of(first_row + row, head), scratch, out, dim);
    }
  }
}

template <class T>
void BlockTiles<T>::rest(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens,
                         T* ffn, T* out, T* scratch) const {
  const RowKernels<T>& kernels = row_kernels<T>();
  const int64_t dim = shape_.dim, hidden = shape_.hidden;
  T* r = scratch;
  T* branch = r + tokens * dim;
  T* activation = branch + tokens * dim;
  T* pre = keep ? state.hidden + first * hidden : activation;

  linear(state.mixed + first * dim, weights_.proj_weight, branch, tokens, dim, dim);
  kernels.sum_norm({.residual = x + first * dim,
                    .branch = branch,
                    .bias = weights_.proj_bias,
                    .weight = weights_.norm1_weight,
                    .shift = weights_.norm1_bias,
                    .eps = eps_,
                    .normalised = keep ? state.normal1 + first * dim : nullptr,
                    .rstd = keep ? state.rstd1 + first : nullptr,
                    .out = r},
                   tokens, dim);
  linear(r, weights_.fc1_weight, pre, tokens, dim, hidden);
  kernels.bias_gelu(pre, weights_.fc1_bias, activation, tokens, hidden);
  T* t = ffn ? ffn + first * dim : branch;
  linear(activation, weights_.fc2_weight, t, tokens, hidden, dim);
  kernels.sum_norm({.residual = r,
                    .branch = t,
                    .bias = weights_.fc2_bias,
                    .weight = weights_.norm2_weight,
                    .shift = weights_.norm2_bias,
                    .eps = eps_,
                    .normalised = keep ? state.normal2 + first * dim : nullptr,
                    .rstd = keep ? state.rstd2 + first : nullptr,
                    .out = out + first * dim},
                   tokens, dim);
}

template <class T>
void BlockTiles<T>::rest_backward(const T* out_gradient, const BlockState<T>& state, int64_t first,
                                  int64_t tokens, T* dx, T* mixed_gradient, const BlockParameters<T*>& sums,
                                  T* scratch) const {
  const RowKernels<T>& kernels = row_kernels<T>();
  const int64_t dim = shape_.dim, hidden = shape_.hidden;
  T* dt = scratch;  // gradient of t and, through the residual, of r
  T* r = dt + tokens * dim;
  T* activation = r + tokens * dim;
  T* dh = activation + tokens * hidden;
  T* dr = dx + first * dim;

  std::copy_n(out_gradient + first * dim, tokens * dim, dt);
  kernels.norm_backward({.gradient = dt,
                         .normalised = state.normal2 + first * dim,
                         .rstd = state.rstd2 + first,
                         .weight = weights_.norm2_weight,
                         .weight_gradient = sums.norm2_weight,
                         .shift_gradient = sums.norm2_bias},
                        tokens, dim);
  linear_input_gradient(dt, weights_.fc2_weight, T(0), dh, tokens, hidden, dim);
  kernels.gelu_backward(state.hidden + first * hidden, activation, dh, tokens * hidden);
  linear_weight_gradient(dt, activation, sums.fc2_weight, sums.fc2_bias, tokens, hidden, dim);
  kernels.scale_shift(state.normal1 + first * dim, weights_.norm1_weight, weights_.norm1_bias, r, tokens,
                      dim);
  linear_weight_gradient(dh, r, sums.fc1_weight, sums.fc1_bias, tokens, dim, hidden);
  std::copy_n(dt, tokens * dim, dr);
  linear_input_gradient(dh, weights_.fc1_weight, T(1), dr, tokens, dim, hidden);
  kernels.norm_backward({.gradient = dr,
                         .normalised = state.normal1 + first * dim,
                         .rstd = state.rstd1 + first,
                         .weight = weights_.norm1_weight,
                         .weight_gradient = sums.norm1_weight,
                         .shift_gradient = sums.norm1_bias},
                        tokens, dim);
  linear_weight_gradient(dr, state.mixed + first * dim, sums.proj_weight, sums.proj_bias, tokens, dim, dim);
  linear_input_gradient(dr, weights_.proj_weight, T(0), mixed_gradient, tokens, dim, dim);
}

template <class T>
void BlockTiles<T>::attention_backward(const T* x, const BlockState<T>& state, int64_t first_row,
                                       int64_t rows, const T* mixed_gradient, T* dx,
                                       const BlockParameters<T*>& sums, T* scratch) const {
  const int64_t dim = shape_.dim, length = shape_.length, first = first_row * length, tokens = rows * length;
  const AttentionShape<T> shape = attention_shape();
  T* qkv_gradient = scratch;
  T* squares = scratch + tokens * 3 * dim;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < shape_.heads; ++head) {
      const int64_t offset = row * length * 3 * dim + head * shape.head_size;
      const T* q = state.qkv + first * 3 * dim + offset;
      T* dq = qkv_gradient + offset;
      attend_backward(shape, q, q + dim, q + 2 * dim, bias_of(first_row + row, head),
                      mixed_gradient + row * length * dim + head * shape.head_size, dim, squares, dq,
                      dq + dim, dq + 2 * dim);
    }
  }
  linear_weight_gradient(qkv_gradient, x + first * dim, sums.qkv_weight, sums.qkv_bias, tokens, dim, 3 * dim);
  linear_input_gradient(qkv_gradient, weights_.qkv_weight, T(1), dx + first * dim, tokens, dim, 3 * dim);
}

template class BlockTiles<float>;
template class BlockTiles<double>;

}  // namespace d2v
