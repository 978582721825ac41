// Transformer block of data2vec 2.0 (section 2 of the method).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/nn/attention.h"
#include "d2v/nn/attention_bias.h"
#include "d2v/nn/random.h"
#include "d2v/nn/weights.h"

namespace d2v {

// A LayerNorm with fp32 scale and shift; without affine both are undefined.
struct NormWeights {
  at::Tensor weight, bias;
};
NormWeights norm_weights(const Weights& weights, const std::string& name);

// LayerNorm over the last dimension; statistics in fp32, output of x's type.
at::Tensor layer_norm(const at::Tensor& x, const NormWeights& weights, double eps);

struct BlockWeights {
  NormWeights norm1, norm2;
  AttentionWeights attention;
  at::Tensor fc1_weight, fc1_bias, fc2_weight, fc2_bias;
};
BlockWeights block_weights(const Weights& weights);

struct BlockOutput {
  at::Tensor output;  // (R, N, D) what the next block reads
  // (R, N, D) t: the feed-forward output before the residual. May be undefined where gradients are recorded, since only
  // the teacher's are read.
  at::Tensor ffn;
};

// Post-norm: x = x + dp(a(x)); r = n1(x); t = m(r); output = n2(r + dp(drop(t))).
// Pre-norm:  x = x + dp(a(n1(x))); t = m(n2(x)); output = x + dp(drop(t)).
// `index` counts all blocks of the network and keys the dropouts; `keys` is empty in eval mode.
BlockOutput block_forward(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                          const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index);

// The same, operation by operation: for what fused_block.h does not cover, and as its test oracle.
BlockOutput plain_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index);

// Rate of block i of n, linear from `start` to `end`.
double drop_path_rate(double start, double end, int64_t i, int64_t n);

}  // namespace d2v
