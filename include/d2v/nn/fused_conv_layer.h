// One convolution layer over time with its LayerNorm and GELU: matrix products on the tokens (token_conv.h), then one
// pass over rows that are still in the core's cache. Same numbers as the layer operation by operation within rounding.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/nn/block.h"

namespace d2v {

struct FusedConvLayer {
  at::Tensor weight;  // (C, C_in, k)
  at::Tensor bias;    // (C) or undefined
  NormWeights norm;   // over channels, eps 1e-5; without affine where undefined
  int64_t stride = 1;
  int64_t before = 0;     // zeros in front of x; with stride 1 and before > 0 the output keeps the length
  bool residual = false;  // add x, where the widths agree
};

// Not covered: bf16, other devices than the CPU.
bool can_fuse(const FusedConvLayer& layer, const at::Tensor& x);

// x (R, T, C_in) float or double → (R, T', C): gelu(norm(conv(x) + bias)) + x. T' = T where before > 0, else
// floor((T - k) / stride) + 1. `rows` (R, n) int64, or undefined for all: the positions wanted, → (R, n, C).
at::Tensor fused_conv_layer(const FusedConvLayer& layer, const at::Tensor& x, const at::Tensor& rows);

}  // namespace d2v
