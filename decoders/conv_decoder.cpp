#include "d2v/decoders/conv_decoder.h"

#include "d2v/base/check.h"
#include "d2v/decoders/fused_conv_decoder.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/fused_norm.h"

namespace d2v {

namespace {
// "proj" alone, or "proj.0", "proj.2", …: every second place of several layers is a GELU.
std::string projection_name(const DecoderConfig& config, int64_t i) {
  return config.projection_layers == 1 ? "proj" : fmt::format("proj.{}", 2 * i);
}
}  // namespace

void declare_conv_decoder(std::vector<Parameter>& out, const std::string& prefix, const DecoderConfig& config,
                          const ConvDecoderShape& shape) {
  const TeacherRule absent = TeacherRule::absent;
  check<UsageError>(config.dim % config.groups == 0 && shape.encoder_dim % config.groups == 0,
                    "decoder.groups = {} must divide decoder.dim = {} and model.dim = {}", config.groups,
                    config.dim, shape.encoder_dim);
  check<UsageError>(shape.dimensions == 1 || config.projection_layers == 1,
                    "decoder.projection_layers = {}: decoders in two dimensions have one projection layer",
                    config.projection_layers);
  for (int64_t i = 0; i < config.layers; ++i) {
    std::vector<int64_t> filter{config.dim, (i == 0 ? shape.encoder_dim : config.dim) / config.groups};
    filter.insert(filter.end(), static_cast<size_t>(shape.dimensions), config.kernel);
    declare_default(out, fmt::format("{}blocks.{}.0", prefix, i), std::move(filter), absent);
  }
  int64_t in = config.dim;
  for (int64_t i = 0; i < config.projection_layers; ++i) {
    const bool last = i + 1 == config.projection_layers;
    const int64_t rows = last     ? shape.encoder_dim
                         : i == 0 ? static_cast<int64_t>(static_cast<double>(in) * config.projection_ratio)
                                  : in;
    const std::string name = prefix + projection_name(config, i);
    if (shape.projection_init == Init::uniform_fan_in)
      declare_default(out, name, {rows, in}, absent);
    else
      declare_linear(out, name, rows, in, shape.projection_init, absent);
    in = rows;
  }
}

ConvDecoderWeights conv_decoder_weights(const Weights& weights, const DecoderConfig& config) {
  ConvDecoderWeights out;
  for (int64_t i = 0; i < config.layers; ++i) {
    out.conv_weight.push_back(weights[fmt::format("blocks.{}.0.weight", i)]);
    out.conv_bias.push_back(weights[fmt::format("blocks.{}.0.bias", i)]);
  }
  for (int64_t i = 0; i < config.projection_layers; ++i) {
    out.proj_weight.push_back(weights[projection_name(config, i) + ".weight"]);
    out.proj_bias.push_back(weights[projection_name(config, i) + ".bias"]);
  }
  return out;
}

at::Tensor conv_decoder_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                               const at::Tensor& x, int64_t height, int64_t width) {
  if (can_fuse(weights, config, x)) return fused_conv_layers(weights, config, x, height, width);
  return plain_conv_layers(weights, config, x, height, width);
}

at::Tensor plain_conv_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                             const at::Tensor& x, int64_t height, int64_t width) {
  const int64_t rows = x.size(0), length = x.size(1), padding = config.kernel / 2;
  at::Tensor tokens = x;  // (R, T, C)
  for (size_t i = 0; i < weights.conv_weight.size(); ++i) {
    const at::Tensor grid = tokens.view({rows, height, width, tokens.size(2)}).permute({0, 3, 1, 2});
    at::Tensor y =
        at::conv2d(grid, weights.conv_weight[i], weights.conv_bias[i], /*stride=*/1, {padding, padding},
                   /*dilation=*/1, config.groups);
    if (config.kernel % 2 == 0) y = y.slice(2, 0, height).slice(3, 0, width);
    y = y.permute({0, 2, 3, 1}).reshape({rows, length, config.dim});
    tokens = norm_gelu(y, config.residual && tokens.size(2) == config.dim ? tokens : at::Tensor());
  }
  return tokens;
}

at::Tensor conv_decoder_projection(const ConvDecoderWeights& weights, const at::Tensor& x) {
  at::Tensor y = at::linear(x, weights.proj_weight[0], weights.proj_bias[0]);
  for (size_t i = 1; i < weights.proj_weight.size(); ++i)
    y = at::linear(at::gelu(y), weights.proj_weight[i], weights.proj_bias[i]);
  return y;
}

}  // namespace d2v
