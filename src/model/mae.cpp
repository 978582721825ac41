#include "d2v/model/mae.h"

#include "d2v/base/check.h"
#include "d2v/model/losses.h"
#include "d2v/model/part_hooks.h"
#include "d2v/model/vicreg.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/positions.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

int64_t patch_values(const ImageConfig& image) { return image.patch * image.patch * image.channels; }

// The ViT of MAE in the terms of block_forward: always pre-norm, MAE's own initial values.
ModelConfig vit(const Config& config) {
  ModelConfig out = config.model;
  out.layer_norm_first = true;
  out.mae_init = true;
  return out;
}

}  // namespace

std::vector<Parameter> Mae::declare(const Config& config) {
  const ModelConfig model = vit(config);
  check<UsageError>(model.modality == Modality::image,
                    "model.objective = mae is for pictures: expected model.modality = image, found {}",
                    name_of(model.modality));
  check<UsageError>(model.dim % model.heads == 0, "model.heads = {} does not divide model.dim = {}",
                    model.heads, model.dim);
  const int64_t side = grid_side(config.image), positions = side * side;
  const TeacherRule absent = TeacherRule::absent;
  std::vector<Parameter> out;
  out.push_back({"cls_token", {1, 1, model.dim}, Init::normal, 0.02, absent, true, true, /*fp32=*/true});
  out.push_back({"pos_embed",
                 {1, 1 + positions, model.dim},
                 Init::constant,
                 0,
                 absent,
                 /*trainable=*/false,
                 /*decay=*/false,
                 /*fp32=*/true});
  declare_patch_embedding(out, "patch_embed.proj", patch_grid(config.image), model.dim, absent);
  for (int64_t i = 0; i < model.depth; ++i) declare_block(out, fmt::format("blocks.{}.", i), model, absent);
  declare_norm(out, "norm", model.dim, absent);
  declare_mae_decoder(out, config.mae, model, positions, patch_values(config.image));
  return out;
}

Mae::Mae(const Config& config, Precision precision)
    : ArenaObjective(config, precision, declare(config)),
      encoder_(vit(config)),
      decoder_blocks_(mae_decoder_blocks(config.mae, config.model)) {
  const int64_t side = grid_side(config.image);
  for (const auto& [name, dim] :
       {std::pair{"pos_embed", encoder_.dim}, {"decoder_pos_embed", config.mae.decoder_dim}})
    view_of(student_arenas_.full, layout_.at(name)).slice(1, 1).copy_(sincos_positions(side, dim));
  start_teacher();
  const Weights weights(layout_, student_arenas_);
  patch_ = patch_weights(weights, "patch_embed.proj");
  cls_token_ = weights["cls_token"];
  positions_ = weights["pos_embed"];
  for (int64_t i = 0; i < encoder_.depth; ++i)
    blocks_.push_back(block_weights(weights.below(fmt::format("blocks.{}.", i))));
  norm_ = norm_weights(weights, "norm");
  decoder_ = mae_decoder_weights(weights, config.mae);
}

StepOutput Mae::forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) {
  return step(on_device(batch), key, trace, /*training=*/true);
}

StepOutput Mae::evaluate(const DeviceBatch& batch, const StepKey& key) {
  const at::NoGradGuard no_grad;
  return step(on_device(batch), key, nullptr, /*training=*/false);
}

at::Tensor Mae::patches_with_positions(const at::Tensor& pixels, Trace* trace) const {
  const at::Tensor z = patch_embed(patch_, pixels, config_.image.patch);
  record(trace, "local_features", z);
  return (z + positions_.slice(1, 1)).to(dtype_);
}

at::Tensor Mae::prepend_cls(const at::Tensor& x) const {
  const at::Tensor cls = (cls_token_ + positions_.slice(1, 0, 1)).to(x.scalar_type());
  return at::cat({cls.expand({x.size(0), -1, -1}), x}, 1);
}

std::vector<at::Tensor> Mae::encode(const at::Tensor& x, const RowKeys& keys) const {
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < encoder_.depth; ++i) {
    const double rate = drop_path_rate(encoder_.drop_path_start, encoder_.drop_path_end, i, encoder_.depth);
    out.push_back(
        block_forward(blocks_[i], encoder_, i == 0 ? x : out.back(), {}, rate, keys, static_cast<uint32_t>(i))
            .output);
  }
  return out;
}

StepOutput Mae::step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const {
  const RowKeys keys =
      training ? row_keys(batch, key, static_cast<uint64_t>(key.update), batch.visible.size(1)) : RowKeys{};
  enter(clock_, StepPart::local_encoder);
  const at::Tensor z = patches_with_positions(batch.input, trace);
  made_by(clock_, StepPart::local_encoder, z);
  enter(clock_, StepPart::gather);
  at::Tensor x = prepend_cls(gather_visible(z, batch.visible));
  record(trace, "encoder_input", x);
  made_by(clock_, StepPart::gather, x);
  enter(clock_, StepPart::student);
  const std::vector<at::Tensor> layers = encode(x, keys);
  for (size_t i = 0; i < layers.size(); ++i) record(trace, fmt::format("encoder_layer.{}", i), layers[i]);
  x = layer_norm(layers.back(), norm_, encoder_.norm_eps);
  record(trace, "encoder_output", x);
  made_by(clock_, StepPart::student, x);

  enter(clock_, StepPart::restore);
  x = mae_decoder_input(decoder_, x, batch.visible, batch.masked);
  record(trace, "decoder_input", x);
  made_by(clock_, StepPart::restore, x);
  enter(clock_, StepPart::decoder);
  const std::vector<at::Tensor> decoded = mae_decoder_layers(decoder_, decoder_blocks_, x);
  for (size_t i = 0; i < decoded.size(); ++i) record(trace, fmt::format("decoder_layer.{}", i), decoded[i]);
  const at::Tensor rows = decoded.back().slice(1, 1);  // without the CLS row
  if (trace) record(trace, "prediction", mae_decoder_prediction(decoder_, decoder_blocks_, rows));
  const at::Tensor prediction =
      mae_decoder_prediction(decoder_, decoder_blocks_, take_rows(rows, batch.masked));
  made_by(clock_, StepPart::decoder, prediction);

  enter(clock_, StepPart::targets);
  const at::Tensor patches = patchify(batch.input, config_.image.patch);
  const at::Tensor targets = config_.mae.normalize_pixels
                                 ? normalised_patches(batch.input, config_.image.patch)
                                 : patches.contiguous();
  record(trace, "patches", patches);
  record(trace, "targets", targets);

  enter(clock_, StepPart::loss);
  StepOutput out;
  out.sample_size = batch.masked.numel();
  // The mean over a patch's pixels; the sum over patches is divided by their number like any other loss.
  const double scale = 1.0 / static_cast<double>(patch_values(config_.image));
  const at::Tensor regression = masked_loss(prediction, targets, batch.masked, {0, scale});
  out.parts.push_back({"regression", regression.detach()});
  out.loss = add_collapse_remedies(regression, prediction, config_.loss, out.sample_size, out);
  out.target_moments = masked_moments(targets, batch.masked);
  out.prediction_moments = row_moments(prediction);
  out.targets = targets;
  out.local_features = z.detach();
  enter(clock_, StepPart::other);
  return out;
}

Features Mae::embed(const at::Tensor& input, Network) {
  const at::NoGradGuard no_grad;
  Features out;
  out.extra_tokens = 1;
  out.layers = encode(prepend_cls(patches_with_positions(on_device(input), nullptr)), {});
  out.layers.back() = layer_norm(out.layers.back(), norm_, encoder_.norm_eps);
  for (at::Tensor& layer : out.layers) layer = layer.to(at::kFloat);
  return out;
}

}  // namespace d2v
