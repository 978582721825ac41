// The transformer block computed tile by tile: a few sequences at a time go through the whole block while their
// activations stay in the core's cache, each thread with its own. Same numbers as plain_block within rounding, the same
// elements dropped. The gradient of ALiBi's scale is summed per head; no (N, N) gradient is kept.
#pragma once

#include "d2v/nn/block.h"

namespace d2v {

// What the tile-wise block does not cover runs operation by operation: bf16, other devices than the CPU, a bias that is
// learned element by element, dropout where no gradients are recorded.
bool can_fuse(const ModelConfig& config, const at::Tensor& x, const BiasTerms& bias, double drop_path_rate,
              const RowKeys& keys);

// x (R, N, D) float or double; bias terms of any float type. Arguments as of block_forward. BlockOutput.ffn is given
// only where no gradients are recorded, which is where targets are made.
BlockOutput fused_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index);

}  // namespace d2v
