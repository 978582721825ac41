#include "d2v/decoders/conv_decoder_1d.h"

#include <ATen/ATen.h>

#include "d2v/nn/conv_1d.h"
#include "d2v/nn/padding.h"

namespace d2v {

at::Tensor conv_decoder_layers_1d(const ConvDecoderWeights& weights, const DecoderConfig& config,
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
