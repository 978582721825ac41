// The decoder's convolution layers computed image by image: all layers of one masked view run while it is in the core's
// cache, each thread with its own views. Same numbers as plain_conv_layers within rounding.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/decoders/conv_decoder.h"

namespace d2v {

// Not covered: bf16, other devices than the CPU, and more than 32 channels per group (48 in one dimension), where the
// library is fast.
bool can_fuse(const ConvDecoderWeights& weights, const DecoderConfig& config, const at::Tensor& x);

// x (R, height·width, D) float or double → (R, T, C); height = 1 for sequences, whose weights are (C, C_in/groups, k).
at::Tensor fused_conv_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                             const at::Tensor& x, int64_t height, int64_t width);

}  // namespace d2v
