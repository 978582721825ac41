// Multi-head self-attention as in the blocks of data2vec 2.0 (section 2 of the method).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/nn/random.h"
#include "d2v/nn/weights.h"

namespace d2v {

struct AttentionWeights {
  at::Tensor qkv_weight, qkv_bias;    // (3D, D), (3D): rows q, k, v, each head-major
  at::Tensor proj_weight, proj_bias;  // (D, D), (D)
};
AttentionWeights attention_weights(const Weights& weights);

// x (R, N, D) → (R, N, D). `bias` is added to the logits before the softmax: (1|R, H, N, N), undefined for none;
// it may require gradients. Queries are scaled by (D/H)^-1/2. Dropout acts on the softmax when keys are given.
at::Tensor attention(const AttentionWeights& weights, const at::Tensor& x, int64_t heads,
                     const at::Tensor& bias, double dropout_rate, const RowKeys& keys, uint32_t site);

}  // namespace d2v
