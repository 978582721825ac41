// The light convolutional decoder of data2vec 2.0 (section 3.2 of the paper, 7 of the method): its parameters, the
// layers in two dimensions, the projection. Layers in one dimension: conv_decoder_1d.h.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/nn/weights.h"

namespace d2v {

struct ConvDecoderWeights {
  std::vector<at::Tensor> conv_weight, conv_bias;  // per layer (C, C_in / groups, k[, k]), (C)
  std::vector<at::Tensor> proj_weight, proj_bias;  // per layer (C_out, C_in), (C_out); the last gives D
};

// What of a decoder its modality decides.
struct ConvDecoderShape {
  int64_t encoder_dim = 0;  // D
  int64_t dimensions = 2;   // 1: speech and text, 2: images and spectrograms
  // Images and speech reset the projection to the framework's default; text's stays as BERT's.
  Init projection_init = Init::uniform_fan_in;
};

// Declares the decoder's parameters below `prefix`: blocks.<i>.0.{weight,bias}, then proj.{weight,bias} or, with
// several projection layers, proj.{0,2,…}.{weight,bias}. Throws UsageError where widths, groups and layers do not fit.
void declare_conv_decoder(std::vector<Parameter>& out, const std::string& prefix, const DecoderConfig& config,
                          const ConvDecoderShape& shape);
ConvDecoderWeights conv_decoder_weights(const Weights& weights, const DecoderConfig& config);

// x (R, T, D) in token-major order, T = height · width, row by row → convolved (R, T, C). Per layer: conv (padding k/2; of an even kernel
// the last row and column are dropped), LayerNorm over channels without affine (eps 1e-5), GELU, then the layer's
// input is added where the widths agree. Tokens stay channels-last throughout: nothing is transposed.
at::Tensor conv_decoder_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                               const at::Tensor& x, int64_t height, int64_t width);

// The same, operation by operation: for what fused_conv_decoder.h does not cover, and as its test oracle.
at::Tensor plain_conv_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                             const at::Tensor& x, int64_t height, int64_t width);

// The projection (…, C) → (…, D), at all rows given: Linear layers with GELU in between.
at::Tensor conv_decoder_projection(const ConvDecoderWeights& weights, const at::Tensor& x);

}  // namespace d2v
