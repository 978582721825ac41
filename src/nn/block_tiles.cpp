#include "block_tiles.h"

#include <algorithm>
#include <utility>

namespace d2v {

template <class T>
int64_t BlockTiles<T>::scratch_size(int64_t tokens) const {
  const int64_t panels = linears_.qkv.gradient_panels
                             ? product_kernels<T>().panel_size(tokens, std::max(shape_.hidden, shape_.dim))
                             : 0;
  return std::max(attend_backward_scratch(attention_shape(), drops_.softmax > 0),
                  tokens * (2 * shape_.hidden + 2 * shape_.dim) + panels);
}

template <class T>
LogitTerms<T> BlockTiles<T>::terms_of(int64_t row, int64_t head) const {
  const auto at = [&](const LogitAddend<T>& addend) {
    return addend.data ? addend.data + row * addend.row_stride + head * addend.head_stride : nullptr;
  };
  const T factor = weights_.alibi_factor ? weights_.alibi_factor[head * settings_.factor_stride] : T(1);
  return {at(settings_.alibi), settings_.alibi.query_stride, factor, at(settings_.bias),
          settings_.bias.query_stride};
}

template <class T>
void BlockTiles<T>::drop_attention_branch(T* x, int64_t first, int64_t tokens) const {
  const TokenRange range{first, tokens, shape_.length, shape_.dim};
  drop_tokens(x, range, drops_.attention, drops_, BlockSite::attention_output);
  drop_paths(x, range, drops_, BlockSite::path1);
}

template <class T>
void BlockTiles<T>::drop_ffn_branch(T* x, int64_t first, int64_t tokens) const {
  const TokenRange range{first, tokens, shape_.length, shape_.dim};
  drop_tokens(x, range, drops_.activation, drops_, BlockSite::ffn_output);
  drop_tokens(x, range, drops_.residual, drops_, BlockSite::ffn_residual);
  drop_paths(x, range, drops_, BlockSite::path2);
}

template <class T>
void BlockTiles<T>::project(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens,
                            T* scratch) const {
  const int64_t dim = shape_.dim;
  const T* in = x + first * dim;
  if (settings_.pre_norm) {
    row_kernels<T>().sum_norm({.residual = in,
                               .weight = weights_.norm1_weight,
                               .shift = weights_.norm1_bias,
                               .eps = settings_.eps,
                               .normalised = keep ? state.normal1 + first * dim : nullptr,
                               .rstd = keep ? state.rstd1 + first : nullptr,
                               .out = scratch},
                              tokens, dim);
    in = scratch;
  }
  T* qkv = state.qkv + first * 3 * dim;
  linear(in, linears_.qkv, qkv, tokens, dim, 3 * dim);
  row_kernels<T>().scale_shift(qkv, nullptr, weights_.qkv_bias, qkv, tokens, 3 * dim);
}

template <class T>
void BlockTiles<T>::attend_pairs(const BlockState<T>& state, int64_t first_pair, int64_t pairs,
                                 T* scratch) const {
  const int64_t dim = shape_.dim;
  const AttentionShape<T> shape = attention_shape();
  for (int64_t pair = first_pair; pair < first_pair + pairs; ++pair) {
    const int64_t row = pair / shape_.heads, head = pair % shape_.heads, token = row * shape_.length;
    const T* q = state.qkv + token * 3 * dim + head * shape.head_size;
    attend(shape, q, q + dim, q + 2 * dim, terms_of(row, head), drop_of(row, head), scratch,
           state.mixed + token * dim + head * shape.head_size, dim);
  }
}

template <class T>
void BlockTiles<T>::finish(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens,
                           T* ffn, T* out, T* scratch) const {
  const RowKernels<T>& kernels = row_kernels<T>();
  const int64_t dim = shape_.dim, hidden = shape_.hidden;
  const bool pre = settings_.pre_norm;
  T* r = scratch;
  T* branch = r + tokens * dim;
  T* activation = branch + tokens * dim;
  T* before = keep ? state.hidden + first * hidden : activation;
  out += first * dim;

  linear(state.mixed + first * dim, linears_.proj, branch, tokens, dim, dim);
  const T* branch_bias = weights_.proj_bias;  // still to be added
  if (drops_.on_attention_branch()) {
    kernels.scale_shift(branch, nullptr, std::exchange(branch_bias, nullptr), branch, tokens, dim);
    drop_attention_branch(branch, first, tokens);
  }
  T* normal = pre ? state.normal2 : state.normal1;
  T* rstd = pre ? state.rstd2 : state.rstd1;
  kernels.sum_norm({.residual = x + first * dim,
                    .branch = branch,
                    .bias = branch_bias,
                    .weight = pre ? weights_.norm2_weight : weights_.norm1_weight,
                    .shift = pre ? weights_.norm2_bias : weights_.norm1_bias,
                    .eps = settings_.eps,
                    .normalised = keep ? normal + first * dim : nullptr,
                    .rstd = keep ? rstd + first : nullptr,
                    .sum = pre ? out : nullptr,
                    .out = r},
                   tokens, dim);

  linear(r, linears_.fc1, before, tokens, dim, hidden);
  kernels.bias_gelu(before, weights_.fc1_bias, activation, tokens, hidden);
  drop_tokens(activation, {first, tokens, shape_.length, hidden}, drops_.activation, drops_,
              BlockSite::activation);
  T* t = ffn ? ffn + first * dim : branch;
  linear(activation, linears_.fc2, t, tokens, hidden, dim);
  const T* t_bias = weights_.fc2_bias;
  if (pre || drops_.on_ffn_branch()) {
    kernels.scale_shift(t, nullptr, std::exchange(t_bias, nullptr), t, tokens, dim);
    drop_ffn_branch(t, first, tokens);
  }
  if (pre) {
    kernels.add_rows(out, t, tokens * dim);
    return;
  }
  kernels.sum_norm({.residual = r,
                    .branch = t,
                    .bias = t_bias,
                    .weight = weights_.norm2_weight,
                    .shift = weights_.norm2_bias,
                    .eps = settings_.eps,
                    .normalised = keep ? state.normal2 + first * dim : nullptr,
                    .rstd = keep ? state.rstd2 + first : nullptr,
                    .out = out},
                   tokens, dim);
}

template <class T>
void BlockTiles<T>::finish_backward(const T* out_gradient, const BlockState<T>& state, int64_t first,
                                    int64_t tokens, T* dx, T* mixed_gradient, const BlockParameters<T*>& sums,
                                    T* scratch) const {
  const RowKernels<T>& kernels = row_kernels<T>();
  const int64_t dim = shape_.dim, hidden = shape_.hidden;
  const bool pre = settings_.pre_norm;
  const NormBackward<T> norm1{nullptr,
                              state.normal1 + first * dim,
                              state.rstd1 + first,
                              weights_.norm1_weight,
                              sums.norm1_weight,
                              sums.norm1_bias};
  const NormBackward<T> norm2{nullptr,
                              state.normal2 + first * dim,
                              state.rstd2 + first,
                              weights_.norm2_weight,
                              sums.norm2_weight,
                              sums.norm2_bias};
  const auto back_through = [&](NormBackward<T> norm, T* gradient) {
    norm.gradient = gradient;
    kernels.norm_backward(norm, tokens, dim);
  };
  T* branch = scratch;  // gradient of a branch's result
  T* r = branch + tokens * dim;
  T* activation = r + tokens * dim;
  T* dh = activation + tokens * hidden;
  T* panels = panels_in(dh + tokens * hidden);
  T* residual = dx + first * dim;  // gradient of what the branch is added to

  std::copy_n(out_gradient + first * dim, tokens * dim, branch);
  if (!pre) back_through(norm2, branch);
  std::copy_n(branch, tokens * dim, residual);
  drop_ffn_branch(branch, first, tokens);

  const TokenRange wide{first, tokens, shape_.length, hidden};
  linear_input_gradient(branch, linears_.fc2, T(0), dh, tokens, hidden, dim);
  drop_tokens(dh, wide, drops_.activation, drops_, BlockSite::activation);
  kernels.gelu_backward(state.hidden + first * hidden, activation, dh, tokens * hidden);
  drop_tokens(activation, wide, drops_.activation, drops_, BlockSite::activation);
  linear_weight_gradient(branch, activation, sums.fc2_weight, sums.fc2_bias, tokens, hidden, dim, panels);

  const NormBackward<T>& in_front = pre ? norm2 : norm1;
  kernels.scale_shift(in_front.normalised, in_front.weight, pre ? weights_.norm2_bias : weights_.norm1_bias,
                      r, tokens, dim);
  linear_weight_gradient(dh, r, sums.fc1_weight, sums.fc1_bias, tokens, dim, hidden, panels);
  if (pre) {
    linear_input_gradient(dh, linears_.fc1, T(0), r, tokens, dim, hidden);
    back_through(norm2, r);
    kernels.add_rows(residual, r, tokens * dim);
  } else {
    linear_input_gradient(dh, linears_.fc1, T(1), residual, tokens, dim, hidden);
    back_through(norm1, residual);
  }

  const T* attended = residual;
  if (drops_.on_attention_branch()) {
    std::copy_n(residual, tokens * dim, branch);
    drop_attention_branch(branch, first, tokens);
    attended = branch;
  }
  linear_weight_gradient(attended, state.mixed + first * dim, sums.proj_weight, sums.proj_bias, tokens, dim,
                         dim, panels);
  linear_input_gradient(attended, linears_.proj, T(0), mixed_gradient, tokens, dim, dim);
}

template <class T>
void BlockTiles<T>::attend_pairs_backward(const BlockState<T>& state, int64_t first_row, int64_t first_pair,
                                          int64_t pairs, const T* mixed_gradient, T* qkv_gradient,
                                          const BlockParameters<T*>& sums, T* scratch) const {
  const int64_t dim = shape_.dim;
  const AttentionShape<T> shape = attention_shape();
  for (int64_t pair = first_pair; pair < first_pair + pairs; ++pair) {
    const int64_t row = pair / shape_.heads, head = pair % shape_.heads, at = head * shape.head_size,
                  token = row * shape_.length, own_token = token - first_row * shape_.length;
    const T* q = state.qkv + token * 3 * dim + at;
    T* dq = qkv_gradient + own_token * 3 * dim + at;
    attend_backward(shape, q, q + dim, q + 2 * dim, terms_of(row, head), drop_of(row, head),
                    mixed_gradient + own_token * dim + at, dim, scratch,
                    sums.alibi_factor ? sums.alibi_factor + head * settings_.factor_stride : nullptr, dq,
                    dq + dim, dq + 2 * dim);
  }
}

template <class T>
void BlockTiles<T>::project_backward(const T* x, const BlockState<T>& state, int64_t first, int64_t tokens,
                                     const T* qkv_gradient, T* dx, const BlockParameters<T*>& sums,
                                     T* scratch) const {
  const RowKernels<T>& kernels = row_kernels<T>();
  const int64_t dim = shape_.dim;
  const T* normal = state.normal1 + first * dim;
  const T* in = x + first * dim;
  dx += first * dim;
  if (settings_.pre_norm) {
    kernels.scale_shift(normal, weights_.norm1_weight, weights_.norm1_bias, scratch, tokens, dim);
    in = scratch;
  }
  linear_weight_gradient(qkv_gradient, in, sums.qkv_weight, sums.qkv_bias, tokens, dim, 3 * dim,
                         panels_in(scratch + tokens * dim));
  if (!settings_.pre_norm) {
    linear_input_gradient(qkv_gradient, linears_.qkv, T(1), dx, tokens, dim, 3 * dim);
    return;
  }
  linear_input_gradient(qkv_gradient, linears_.qkv, T(0), scratch, tokens, dim, 3 * dim);
  kernels.norm_backward(
      {scratch, normal, state.rstd1 + first, weights_.norm1_weight, sums.norm1_weight, sums.norm1_bias},
      tokens, dim);
  kernels.add_rows(dx, scratch, tokens * dim);
}

template class BlockTiles<float>;
template class BlockTiles<double>;

}  // namespace d2v
