#include "d2v/decoders/conv_decoder_1d.h"

#include "d2v/decoders/fused_conv_decoder.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/conv_1d.h"
#include "d2v/nn/fused_conv_layer.h"
#include "d2v/nn/padding.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

FusedConvLayer layer_of(const ConvDecoderWeights& weights, const DecoderConfig& config, size_t i) {
  FusedConvLayer layer;
  layer.weight = weights.conv_weight[i];
  layer.bias = weights.conv_bias[i];
  layer.before = config.kernel / 2;
  layer.residual = config.residual;
  return layer;
}

// One group: matrix products, the last layer's at the positions wanted only.
at::Tensor wide_layers(const ConvDecoderWeights& weights, const DecoderConfig& config, const at::Tensor& x,
                       const at::Tensor& valid, const at::Tensor& rows) {
  at::Tensor tokens = x;
  for (size_t i = 0; i < weights.conv_weight.size(); ++i) {
    const bool last = i + 1 == weights.conv_weight.size();
    tokens = fused_conv_layer(layer_of(weights, config, i), zero_padding(tokens, valid),
                              last ? rows : at::Tensor());
  }
  return tokens;
}

// Few channels per group: all layers of a row while it is in the core's cache, unless padding is cleared in between.
at::Tensor narrow_layers(const ConvDecoderWeights& weights, const DecoderConfig& config, const at::Tensor& x,
                         const at::Tensor& valid) {
  if (!valid.defined()) return fused_conv_layers(weights, config, x, 1, x.size(1));
  at::Tensor tokens = x;
  for (size_t i = 0; i < weights.conv_weight.size(); ++i)
    tokens = fused_conv_layers({{weights.conv_weight[i]}, {weights.conv_bias[i]}, {}, {}}, config,
                               zero_padding(tokens, valid), 1, x.size(1));
  return tokens;
}

}  // namespace

at::Tensor conv_decoder_layers_1d(const ConvDecoderWeights& weights, const DecoderConfig& config,
                                  const at::Tensor& x, const at::Tensor& valid, const at::Tensor& rows) {
  if (config.groups == 1 && can_fuse(layer_of(weights, config, 0), x))
    return wide_layers(weights, config, x, valid, rows);
  const at::Tensor everywhere = can_fuse(weights, config, x)
                                    ? narrow_layers(weights, config, x, valid)
                                    : plain_conv_layers_1d(weights, config, x, valid);
  return rows.defined() ? take_rows(everywhere, rows) : everywhere;
}

at::Tensor plain_conv_layers_1d(const ConvDecoderWeights& weights, const DecoderConfig& config,
                                const at::Tensor& x, const at::Tensor& valid) {
  at::Tensor tokens = x;
  for (size_t i = 0; i < weights.conv_weight.size(); ++i) {
    tokens = zero_padding(tokens, valid);
    const at::Tensor y = conv_norm_gelu(tokens, weights.conv_weight[i], weights.conv_bias[i], config.groups);
    tokens = config.residual && tokens.size(2) == config.dim ? y + tokens : y;
  }
  return tokens;
}

}  // namespace d2v
