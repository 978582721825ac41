// The transformer block computed tile by tile: a few sequences at a time go through the whole block while their
// activations stay in the core's cache, each thread with its own. Same numbers as block_forward within rounding.
#pragma once

#include "d2v/nn/block.h"

namespace d2v {

// What the tile-wise block does not cover runs operation by operation: pre-norm blocks, bf16, dropout, a bias that is
// learned, other devices than the CPU.
bool can_fuse(const ModelConfig& config, const at::Tensor& x, const at::Tensor& bias, double drop_path_rate,
              const RowKeys& keys);

// x (R, N, D) float or double, contiguous; bias (R|1, H|1, N|1, N) of any float type or undefined. BlockOutput.ffn is
// given only where no gradients are recorded, which is where targets are made.
BlockOutput fused_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const at::Tensor& bias);

}  // namespace d2v
