#include "d2v/decoders/conv_decoder.h"

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "d2v/decoders/fused_conv_decoder.h"

namespace d2v {

void declare_conv_decoder(std::vector<Parameter>& out, const std::string& prefix, const DecoderConfig& config,
                          int64_t encoder_dim) {
  check<UsageError>(config.dim % config.groups == 0 && encoder_dim % config.groups == 0,
                    "decoder.groups = {} must divide decoder.dim = {} and model.dim = {}", config.groups,
                    config.dim, encoder_dim);
  check<UsageError>(config.projection_layers == 1,
                    "decoder.projection_layers = {}: decoders in two dimensions have one projection layer",
                    config.projection_layers);
  // Weight and bias of one layer, both with the framework's default initial values.
  const auto declare = [&](const std::string& name, std::vector<int64_t> shape) {
    double fan_in = 1;
    for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
    const std::vector<int64_t> bias{shape[0]};
    const TeacherRule absent = TeacherRule::absent;
    out.push_back({name + ".weight", std::move(shape), Init::uniform_fan_in, fan_in, absent});
    out.push_back({name + ".bias", bias, Init::uniform_fan_in, fan_in, absent, true, /*decay=*/false});
  };
  for (int64_t i = 0; i < config.layers; ++i) {
    const int64_t in = (i == 0 ? encoder_dim : config.dim) / config.groups;
    declare(fmt::format("{}blocks.{}.0", prefix, i), {config.dim, in, config.kernel, config.kernel});
  }
  declare(prefix + "proj", {encoder_dim, config.dim});
}

ConvDecoderWeights conv_decoder_weights(const Weights& weights, const DecoderConfig& config) {
  ConvDecoderWeights out;
  for (int64_t i = 0; i < config.layers; ++i) {
    out.conv_weight.push_back(weights[fmt::format("blocks.{}.0.weight", i)]);
    out.conv_bias.push_back(weights[fmt::format("blocks.{}.0.bias", i)]);
  }
  out.proj_weight = weights["proj.weight"];
  out.proj_bias = weights["proj.bias"];
  return out;
}

at::Tensor conv_decoder_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                               const at::Tensor& x, int64_t side) {
  if (can_fuse(weights, config, x)) return fused_conv_layers(weights, config, x, side, side);
  return plain_conv_layers(weights, config, x, side);
}

at::Tensor plain_conv_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                             const at::Tensor& x, int64_t side) {
  const int64_t rows = x.size(0), length = x.size(1), padding = config.kernel / 2;
  at::Tensor tokens = x;  // (R, T, C)
  for (size_t i = 0; i < weights.conv_weight.size(); ++i) {
    const at::Tensor grid = tokens.view({rows, side, side, tokens.size(2)}).permute({0, 3, 1, 2});
    at::Tensor y =
        at::conv2d(grid, weights.conv_weight[i], weights.conv_bias[i], /*stride=*/1, {padding, padding},
                   /*dilation=*/1, config.groups);
    if (config.kernel % 2 == 0) y = y.slice(2, 0, side).slice(3, 0, side);
    y = y.permute({0, 2, 3, 1}).reshape({rows, length, config.dim});
    y = at::gelu(at::layer_norm(y, {config.dim}, {}, {}, 1e-5, /*cudnn_enable=*/false));
    tokens = config.residual && tokens.size(2) == config.dim ? y + tokens : y;
  }
  return tokens;
}

at::Tensor conv_decoder_projection(const ConvDecoderWeights& weights, const at::Tensor& x) {
  return at::linear(x, weights.proj_weight, weights.proj_bias);
}

}  // namespace d2v
