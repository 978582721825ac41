// LayerNorm with its neighbours, and bias with GELU, in one pass each: kernels on a GPU, where every pass over memory
// counts; elsewhere the plain operations, since blocks on the CPU are computed tile by tile (fused_block.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/nn/block.h"

namespace d2v {

// norm(x + branch), both (…, D) of one type.
at::Tensor sum_norm(const at::Tensor& x, const at::Tensor& branch, const NormWeights& weights, double eps);

// gelu(norm(x)) + added, the norm without affine and of eps 1e-5; `added` may be undefined.
at::Tensor norm_gelu(const at::Tensor& x, const at::Tensor& added);

// gelu(x·Wᵀ + b), weight (out, in).
at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace d2v
