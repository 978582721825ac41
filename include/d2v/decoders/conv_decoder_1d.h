// The convolutional decoder's layers in one dimension, for speech and text (section 7 of the method).
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/decoders/conv_decoder.h"

namespace d2v {

// x (R, T, D) → convolved (R, T, C), as conv_decoder_layers with kernels over time. Where `valid` (R, T) bool is given,
// the input of every convolution is zero at padded positions, so that those of a row do not change the others. Where
// `rows` (R, n) int64 is given, only these positions of the result are made: (R, n, C).
at::Tensor conv_decoder_layers_1d(const ConvDecoderWeights& weights, const DecoderConfig& config,
                                  const at::Tensor& x, const at::Tensor& valid, const at::Tensor& rows = {});

// The same at all positions, operation by operation: for what the fused layers do not cover, and as their test oracle.
at::Tensor plain_conv_layers_1d(const ConvDecoderWeights& weights, const DecoderConfig& config,
                                const at::Tensor& x, const at::Tensor& valid);

}  // namespace d2v
