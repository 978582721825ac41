// One transformer block on plain memory, a range of tokens or rows at a time (fused_block.h).
#pragma once

#include <cstdint>

#include "d2v/nn/tile_attention.h"

namespace d2v {

struct BlockShape {
  int64_t rows, length, dim, heads, hidden;  // R, N, D, H, width of the MLP
  int64_t tokens() const { return rows * length; }
};

// The twelve parameters of a block, or their gradients; norms without affine are null.
template <class P>
struct BlockParameters {
  P qkv_weight, qkv_bias, proj_weight, proj_bias, fc1_weight, fc1_bias, fc2_weight, fc2_bias;
  P norm1_weight, norm1_bias, norm2_weight, norm2_bias;
};

// What the forward pass leaves for the backward pass; one row per token unless said otherwise.
template <class T>
struct BlockState {
  T* qkv;      // (3·D)
  T* mixed;    // (D) what attention's output projection reads
  T* normal1;  // (D) normalised sum of x and attention
  T* rstd1;    // (1)
  T* hidden;   // (4·D) before GELU
  T* normal2;  // (D)
  T* rstd2;    // (1)
};

// The attention bias of all rows and heads; strides of 0 where rows, heads or queries share it. Null: none.
template <class T>
struct BlockBias {
  const T* data = nullptr;
  int64_t row_stride = 0, head_stride = 0, query_stride = 0;
};

template <class T>
class BlockTiles {
 public:
  BlockTiles(const BlockShape& shape, const BlockParameters<const T*>& weights, T eps,
             const BlockBias<T>& bias)
      : shape_(shape), weights_(weights), eps_(eps), bias_(bias) {}

  // Elements of working memory that one thread needs for tiles of `tokens` tokens.
  int64_t scratch_size(int64_t tokens) const;

  // Queries, keys, values and attention of whole rows.
  void attention(const T* x, const BlockState<T>& state, int64_t first_row, int64_t rows, T* scratch) const;
  // Everything after it, token by token. `keep`: fill the state for a backward pass; without, `state.hidden` and the
  // norms are not touched. `ffn` may be null.
  void rest(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens, T* ffn, T* out,
            T* scratch) const;

  // Backward of `rest`: from the gradient of `out` those of x (through the residual only, written to `dx`) and of
  // `mixed`. `sums`: gradients of the weights, added.
  void rest_backward(const T* out_gradient, const BlockState<T>& state, int64_t first, int64_t tokens, T* dx,
                     T* mixed_gradient, const BlockParameters<T*>& sums, T* scratch) const;
  // Backward of `attention` for whole rows; adds to `dx`. `mixed_gradient` is the rows' own.
  void attention_backward(const T* x, const BlockState<T>& state, int64_t first_row, int64_t rows,
                          const T* mixed_gradient, T* dx, const BlockParameters<T*>& sums, T* scratch) const;

 private:
  LogitBias<T> bias_of(int64_t row, int64_t head) const {
    if (!bias_.data) return {};
    return {bias_.data + row * bias_.row_stride + head * bias_.head_stride, bias_.query_stride};
  }
  AttentionShape<T> attention_shape() const;

  BlockShape shape_;
  BlockParameters<const T*> weights_;
  T eps_;
  BlockBias<T> bias_;
};

}  // namespace d2v
