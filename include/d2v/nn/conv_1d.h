// Convolutions over time whose tokens stay channels-last, (R, T, C): nothing is transposed.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace d2v {

// x (R, T, C_in), weight (C, C_in / groups, k), bias (C) or undefined → (R, floor((T + 2·padding - k) / stride) + 1, C).
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                    int64_t padding, int64_t groups);

// One layer of the decoder and of the relative positional encoder (section 7 of the method), (R, T, C_in) → (R, T, C):
// convolution (padding k/2; of an even kernel the last element is dropped), LayerNorm over channels without affine
// (eps 1e-5), GELU.
at::Tensor conv_norm_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          int64_t groups);

}  // namespace d2v
