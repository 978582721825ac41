// Which parameters data2vec 2.0 has, and which settings go together.
#include "d2v/base/check.h"
#include "d2v/model/data2vec2.h"
#include "d2v/nn/declare.h"

namespace d2v {

namespace {

void check_settings(const Config& config) {
  const ModelConfig& model = config.model;
  check<UsageError>(config.target.layers <= model.depth,
                    "target.layers = {} is more than the {} shared blocks (model.depth)",
                    config.target.layers, model.depth);
  check<UsageError>(config.target.final_norm != NormKind::batch,
                    "target.final_norm = batch is not defined: use layer, instance or none");
  check<UsageError>(config.loss.cls == 0 || model.extra_tokens > 0,
                    "loss.cls = {} needs an extra token: set model.extra_tokens = 1 or loss.cls = 0",
                    config.loss.cls);
  const bool grid = on_grid(model.modality);
  const Padding padding = model.modality == Modality::text ? config.text.padding : config.speech.padding;
  check<UsageError>(
      grid || config.target.norm_over == NormOver::valid || padding == Padding::reference,
      "target.norm_over = all lets padding into the targets: it needs padding = reference, found {}",
      name_of(padding));
  check<UsageError>(grid || config.loss.recon == 0,
                    "loss.recon = {} reconstructs pixels: set it to 0 for model.modality = {}",
                    config.loss.recon, name_of(model.modality));
  check<UsageError>(
      grid || !(config.decoder.add_positions_all || config.decoder.add_positions_masked),
      "decoder.add_positions_all and add_positions_masked need fixed positions, which model.modality = {} "
      "does not have",
      name_of(model.modality));
}

}  // namespace

std::vector<Parameter> Data2Vec2::declare(const Config& config) {
  check_settings(config);
  const ModelConfig& model = config.model;
  std::vector<Parameter> out;
  declare_modality_encoder(out, config);
  for (int64_t i = 0; i < model.depth; ++i)
    declare_block(out, fmt::format("blocks.{}.", i), model, TeacherRule::averaged);
  if (model.layer_norm_first && model.norm_affine)
    declare_norm(out, "norm", model.dim,
                 config.ema.encoder_only ? TeacherRule::absent : TeacherRule::averaged);
  declare_conv_decoder(out, modality_prefix(model.modality) + "decoder.", config.decoder,
                       decoder_shape(config));
  if (config.loss.recon > 0) {
    const int64_t pixels = patch_grid(config).values();
    check<UsageError>(
        pixels == model.dim,
        "loss.recon needs {}.patch² · channels = model.dim, found {} and {}: set loss.recon = 0 or "
        "change one of them",
        name_of(model.modality), pixels, model.dim);
    declare_default(out, "recon_proj", {model.dim, model.dim}, TeacherRule::absent);
  }
  return out;
}

}  // namespace d2v
