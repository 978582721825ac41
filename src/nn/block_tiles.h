// One transformer block on plain memory, a range of tokens or heads at a time (fused_block.h).
//
// Post-norm: r = n1(x + a(x)); out = n2(r + m(r)). Pre-norm: s = x + a(n1(x)); out = s + m(n2(s)). a ends in the output
// projection, m in the second MLP layer, both with what is dropped of them.
#pragma once

#include <cmath>
#include <cstdint>

#include "block_drops.h"
#include "d2v/nn/tile_attention.h"
#include "tile_linear.h"

namespace d2v {

struct BlockShape {
  int64_t rows, length, dim, heads, hidden;  // R, N, D, H, width of the MLP
  int64_t tokens() const { return rows * length; }
};

// The parameters of a block, or their gradients; what is absent is null. The factor is that of ALiBi, one per head or
// one in all.
template <class P>
struct BlockParameters {
  P qkv_weight, qkv_bias, proj_weight, proj_bias, fc1_weight, fc1_bias, fc2_weight, fc2_bias;
  P norm1_weight, norm1_bias, norm2_weight, norm2_bias;
  P alibi_factor;
};

// What the forward pass leaves for the backward pass; one row per token unless said otherwise.
template <class T>
struct BlockState {
  T* qkv;      // (3·D)
  T* mixed;    // (D) what attention's output projection reads
  T* normal1;  // (D) what n1 normalised, before its scale and shift
  T* rstd1;    // (1)
  T* hidden;   // (4·D) before GELU
  T* normal2;  // (D)
  T* rstd2;    // (1)
};

// A term of the attention's logits for all rows and heads, (R, H, N, N); strides of 0 where rows, heads or queries
// share it. Null: none.
template <class T>
struct LogitAddend {
  const T* data = nullptr;
  int64_t row_stride = 0, head_stride = 0, query_stride = 0;
};

// The four linear layers as their products read them.
template <class T>
struct BlockLinears {
  LinearWeight<T> qkv, proj, fc1, fc2;
};

template <class T>
struct BlockSettings {
  BlockShape shape;
  T eps;
  bool pre_norm;
  LogitAddend<T> alibi, bias;
  int64_t factor_stride;    // from head to head: 0 or 1
  const BlockDrops* drops;  // outlives the tiles
};

// `first` and `tokens` count tokens of all rows together, `pairs` (row, head) with row·H + head. Pointers are those of
// the whole tensors, but `qkv_gradient` and `mixed_gradient`, which start where the range does. `sums`: gradients of the
// parameters, added. `scratch` has room for scratch_size(tokens) elements.
template <class T>
class BlockTiles {
 public:
  BlockTiles(const BlockSettings<T>& settings, const BlockParameters<const T*>& weights,
             const BlockLinears<T>& linears)
      : settings_(settings),
        shape_(settings.shape),
        drops_(*settings.drops),
        weights_(weights),
        linears_(linears) {}

  int64_t scratch_size(int64_t tokens) const;

  // Queries, keys and values. `keep`, here and below: fill the state's norms and `hidden` for a backward pass.
  void project(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens,
               T* scratch) const;
  // state.mixed from state.qkv.
  void attend_pairs(const BlockState<T>& state, int64_t first_pair, int64_t pairs, T* scratch) const;
  // Everything after. `ffn` may be null; it takes t without what is dropped of it.
  void finish(const T* x, const BlockState<T>& state, bool keep, int64_t first, int64_t tokens, T* ffn,
              T* out, T* scratch) const;

  // From the gradient of `out` those of x (through the residual only, written to `dx`) and of `mixed`.
  void finish_backward(const T* out_gradient, const BlockState<T>& state, int64_t first, int64_t tokens,
                       T* dx, T* mixed_gradient, const BlockParameters<T*>& sums, T* scratch) const;
  // Both gradients start at row first_row.
  void attend_pairs_backward(const BlockState<T>& state, int64_t first_row, int64_t first_pair, int64_t pairs,
                             const T* mixed_gradient, T* qkv_gradient, const BlockParameters<T*>& sums,
                             T* scratch) const;
  // Adds to dx.
  void project_backward(const T* x, const BlockState<T>& state, int64_t first, int64_t tokens,
                        const T* qkv_gradient, T* dx, const BlockParameters<T*>& sums, T* scratch) const;

 private:
  AttentionShape<T> attention_shape() const {
    const int64_t size = shape_.dim / shape_.heads;
    return {shape_.length, size, 3 * shape_.dim, T(1) / std::sqrt(static_cast<T>(size))};
  }
  LogitTerms<T> terms_of(int64_t row, int64_t head) const;
  ProbabilityDrop drop_of(int64_t row, int64_t head) const {
    if (drops_.softmax == 0) return {};
    return {drops_.softmax, drops_.keys[static_cast<size_t>(row)], drops_.site(BlockSite::attention_softmax),
            head};
  }
  // What is dropped of a branch's result or of its gradient.
  void drop_attention_branch(T* x, int64_t first, int64_t tokens) const;
  void drop_ffn_branch(T* x, int64_t first, int64_t tokens) const;

  BlockSettings<T> settings_;
  BlockShape shape_;
  const BlockDrops& drops_;
  // For the products that give the weights' gradients.
  T* panels_in(T* scratch) const { return linears_.qkv.gradient_panels ? scratch : nullptr; }

  BlockParameters<const T*> weights_;
  BlockLinears<T> linears_;
};

}  // namespace d2v
