#include "d2v/model/image_encoder.h"

#include <cmath>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "d2v/nn/positions.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

Parameter norm_parameter(const std::string& name, int64_t dim, double value, TeacherRule teacher) {
  return {name, {dim}, Init::constant, value, teacher, true, /*decay=*/false, /*fp32=*/true};
}

void declare_norm(std::vector<Parameter>& out, const std::string& name, const ModelConfig& config,
                  TeacherRule teacher) {
  if (!config.norm_affine) return;
  out.push_back(norm_parameter(name + ".weight", config.dim, 1, teacher));
  out.push_back(norm_parameter(name + ".bias", config.dim, 0, teacher));
}

}  // namespace

void declare_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                   TeacherRule teacher) {
  const int64_t dim = config.dim, hidden = std::llround(config.mlp_ratio * static_cast<double>(dim));
  const auto linear = [&](const std::string& name, int64_t rows, int64_t columns) {
    const Init init = config.mae_init ? Init::xavier : Init::normal;
    out.push_back({prefix + name + ".weight", {rows, columns}, init, 0.02, teacher});
    out.push_back({prefix + name + ".bias", {rows}, Init::constant, 0, teacher, true, /*decay=*/false});
  };
  declare_norm(out, prefix + "norm1", config, teacher);
  linear("attn.qkv", 3 * dim, dim);
  linear("attn.proj", dim, dim);
  declare_norm(out, prefix + "norm2", config, teacher);
  linear("mlp.fc1", hidden, dim);
  linear("mlp.fc2", dim, hidden);
}

void declare_image_encoder(std::vector<Parameter>& out, const std::string& prefix, const Config& config) {
  const ModelConfig& model = config.model;
  const ImageConfig& image = config.image;
  check<UsageError>(
      image.size % image.patch == 0,
      "image.patch = {} does not divide image.size = {}: choose a size that is a multiple of the patch",
      image.patch, image.size);
  check<UsageError>(model.dim % model.heads == 0, "model.heads = {} does not divide model.dim = {}",
                    model.heads, model.dim);
  const int64_t side = image.size / image.patch, dim = model.dim, p = image.patch;
  const TeacherRule own = config.ema.encoder_only ? TeacherRule::absent : TeacherRule::averaged;
  const TeacherRule local = config.ema.local_encoder ? own : TeacherRule::absent;
  const TeacherRule fixed = config.ema.encoder_only ? TeacherRule::absent : TeacherRule::copied;

  out.push_back({prefix + "local_encoder.proj.weight", {dim, image.channels, p, p}, Init::xavier, 0, local});
  out.push_back({prefix + "local_encoder.proj.bias",
                 {dim},
                 Init::uniform_fan_in,
                 static_cast<double>(image.channels * p * p),
                 local,
                 true,
                 /*decay=*/false});
  if (model.extra_tokens > 0)
    out.push_back({prefix + "extra_tokens",
                   {1, model.extra_tokens, dim},
                   Init::normal,
                   1,
                   own,
                   true,
                   true,
                   /*fp32=*/true});
  out.push_back({prefix + "fixed_positional_encoder.positions",
                 {1, side * side, dim},
                 Init::constant,
                 0,
                 fixed,
                 /*trainable=*/false,
                 /*decay=*/false,
                 /*fp32=*/true});
  if (model.alibi) {
    const int64_t layers = model.alibi_scale_per_layer ? model.prenet_depth + model.depth : 1;
    const int64_t heads = model.alibi_scale_per_head ? model.heads : 1;
    out.push_back({prefix + "alibi_scale",
                   {layers, 1, heads, 1, 1},
                   Init::constant,
                   model.alibi_scale,
                   model.alibi_scale_learned ? own : fixed,
                   model.alibi_scale_learned,
                   /*decay=*/false,
                   /*fp32=*/true});
  }
  if (!model.layer_norm_first) declare_norm(out, prefix + "context_encoder.norm", model, own);
  for (int64_t i = 0; i < model.prenet_depth; ++i)
    declare_block(out, fmt::format("{}context_encoder.blocks.{}.", prefix, i), model, own);
}

ImageEncoderWeights image_encoder_weights(const Weights& weights, const Config& config) {
  ImageEncoderWeights out{weights["local_encoder.proj.weight"],
                          weights["local_encoder.proj.bias"],
                          weights.optional("extra_tokens"),
                          weights["fixed_positional_encoder.positions"],
                          weights.optional("alibi_scale"),
                          norm_weights(weights, "context_encoder.norm"),
                          {}};
  for (int64_t i = 0; i < config.model.prenet_depth; ++i)
    out.blocks.push_back(block_weights(weights.below(fmt::format("context_encoder.blocks.{}.", i))));
  return out;
}

at::Tensor patch_embed(const ImageEncoderWeights& weights, const at::Tensor& pixels, int64_t patch) {
  const int64_t batch = pixels.size(0), channels = pixels.size(1), rows = pixels.size(2) / patch,
                columns = pixels.size(3) / patch;
  // A convolution whose stride is its kernel is a matrix product over patches, ordered channel, row, column.
  const at::Tensor patches = pixels.view({batch, channels, rows, patch, columns, patch})
                                 .permute({0, 2, 4, 1, 3, 5})
                                 .reshape({batch, rows * columns, channels * patch * patch});
  return at::linear(patches.to(weights.patch_weight.scalar_type()), weights.patch_weight.flatten(1),
                    weights.patch_bias);
}

at::Tensor encoder_bias(const Config& config, const at::Tensor& visible) {
  const ModelConfig& model = config.model;
  if (!model.alibi) return {};
  const int64_t extra = model.extra_tokens;
  at::Tensor bias =
      alibi_bias_2d(model.heads, config.image.size / config.image.patch, model.alibi_distance).unsqueeze(0);
  if (visible.defined()) {
    const at::Tensor kept = visible.flatten(0, 1);  // (B·M, V)
    const int64_t rows = kept.size(0), count = kept.size(1), length = bias.size(-1);
    bias = bias.expand({rows, -1, -1, -1})
               .gather(2, kept.view({rows, 1, count, 1}).expand({-1, model.heads, -1, length}));
    bias = bias.gather(3, kept.view({rows, 1, 1, count}).expand({-1, model.heads, count, -1}));
  }
  return at::constant_pad_nd(bias, {extra, 0, extra, 0}, 0);
}

at::Tensor scaled_bias(const at::Tensor& bias, const at::Tensor& scale, int64_t layer) {
  if (!bias.defined()) return {};
  return bias * scale.clamp_min(0)[scale.size(0) == 1 ? 0 : layer];
}

at::Tensor prepend_extra_tokens(const ImageEncoderWeights& weights, const at::Tensor& x) {
  if (!weights.extra_tokens.defined()) return x;
  return at::cat({weights.extra_tokens.to(x.scalar_type()).expand({x.size(0), -1, -1}), x}, 1);
}

at::Tensor prenet_forward(const ImageEncoderWeights& weights, const Config& config, const at::Tensor& x,
                          const at::Tensor& bias, const RowKeys& keys, std::vector<at::Tensor>* outputs) {
  const ModelConfig& model = config.model;
  constexpr uint32_t dropout_site = 1u << 30;
  at::Tensor h = x;
  if (!model.layer_norm_first) h = layer_norm(h, weights.norm, model.norm_eps);
  h = dropout(h, model.prenet_dropout, keys, dropout_site);
  for (size_t i = 0; i < weights.blocks.size(); ++i) {
    const double rate = drop_path_rate(model.prenet_drop_path_start, model.prenet_drop_path_end,
                                       static_cast<int64_t>(i), model.prenet_depth);
    h = block_forward(weights.blocks[i], model, h,
                      scaled_bias(bias, weights.alibi_scale, static_cast<int64_t>(i)), rate, keys,
                      static_cast<uint32_t>(i))
            .output;
    if (outputs) outputs->push_back(h);
  }
  return h;
}

}  // namespace d2v
