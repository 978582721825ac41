#include "d2v/model/modality_encoder.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/positions.h"

namespace d2v {

namespace {

const SpeechNames speech_names{"local_encoder.conv_layers.", "project_features.1", "project_features.2"};

SpeechNames below(const std::string& prefix, const SpeechNames& names) {
  return {prefix + names.convolutions, prefix + names.projection_norm, prefix + names.projection};
}

}  // namespace

std::string modality_prefix(Modality modality) {
  switch (modality) {
    case Modality::image:
    case Modality::spectrogram:
      return "modality_encoders.IMAGE.";
    case Modality::speech:
      return "modality_encoders.AUDIO.";
    case Modality::text:
      return "modality_encoders.TEXT.";
  }
  fail("no such modality");
}

bool norm_before_prenet(const ModelConfig& model) {
  return !model.layer_norm_first && (model.modality != Modality::text || model.prenet_depth > 0);
}

void declare_modality_encoder(std::vector<Parameter>& out, const Config& config) {
  const ModelConfig& model = config.model;
  check<UsageError>(model.dim % model.heads == 0, "model.heads = {} does not divide model.dim = {}",
                    model.heads, model.dim);
  const int64_t dim = model.dim;
  const std::string prefix = modality_prefix(model.modality);
  const TeacherRule own = config.ema.encoder_only ? TeacherRule::absent : TeacherRule::averaged;
  const TeacherRule local = config.ema.local_encoder ? own : TeacherRule::absent;
  const TeacherRule fixed = config.ema.encoder_only ? TeacherRule::absent : TeacherRule::copied;

  switch (model.modality) {
    case Modality::image:
    case Modality::spectrogram: {
      const PatchGrid grid = patch_grid(config);
      declare_patch_embedding(out, prefix + "local_encoder.proj", grid, dim, local);
      out.push_back({prefix + "fixed_positional_encoder.positions",
                     {1, grid.positions(), dim},
                     Init::constant,
                     0,
                     fixed,
                     /*trainable=*/false,
                     /*decay=*/false,
                     /*fp32=*/true});
      break;
    }
    case Modality::speech:
      declare_speech_encoder(out, below(prefix, speech_names), config.speech, dim, local);
      declare_relative_positions(out, prefix + "relative_positional_encoder.", 1, config.speech, dim, own);
      break;
    case Modality::text:
      declare_text_encoder(out, prefix + "local_encoder.", config.text, dim, local);
      break;
  }
  if (model.extra_tokens > 0)
    out.push_back({prefix + "extra_tokens",
                   {1, model.extra_tokens, dim},
                   Init::normal,
                   1,
                   own,
                   true,
                   true,
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
  if (norm_before_prenet(model) && model.norm_affine)
    declare_norm(out, prefix + "context_encoder.norm", dim, own);
  for (int64_t i = 0; i < model.prenet_depth; ++i)
    declare_block(out, fmt::format("{}context_encoder.blocks.{}.", prefix, i), model, own);
}

void set_modality_encoder(const Config& config, const ParameterLayout& layout, const at::Tensor& arena) {
  const ModelConfig& model = config.model;
  const std::string prefix = modality_prefix(model.modality);
  const auto weight = [&](const char* name) { return view_of(arena, layout.at(prefix + name)); };
  if (on_grid(model.modality)) {
    const PatchGrid grid = patch_grid(config);
    weight("fixed_positional_encoder.positions")
        .copy_(sincos_positions(grid.rows(), grid.columns(), model.dim));
  }
  if (model.modality == Modality::text) zero_padding_rows(layout, arena, prefix + "local_encoder.");
  if (model.modality == Modality::speech)
    average_taps(layout, arena, prefix + speech_names.convolutions,
                 parse_conv_layers(config.speech.conv_layers));
  if (model.init_extra_token_zero && model.extra_tokens > 0) weight("extra_tokens").select(1, 0).zero_();
}

ModalityEncoder modality_encoder(const Weights& weights, const Config& config) {
  ModalityEncoder out;
  switch (config.model.modality) {
    case Modality::image:
    case Modality::spectrogram:
      out.local = patch_weights(weights, "local_encoder.proj");
      out.fixed_positions = weights["fixed_positional_encoder.positions"];
      break;
    case Modality::speech:
      out.local = speech_weights(weights, speech_names, config.speech);
      out.relative_positions =
          relative_position_weights(weights.below("relative_positional_encoder."), 1, config.speech);
      break;
    case Modality::text:
      out.local = text_weights(weights.below("local_encoder."));
      break;
  }
  out.extra_tokens = weights.optional("extra_tokens");
  out.alibi_scale = weights.optional("alibi_scale");
  out.norm = norm_weights(weights, "context_encoder.norm");
  for (int64_t i = 0; i < config.model.prenet_depth; ++i)
    out.prenet.push_back(block_weights(weights.below(fmt::format("context_encoder.blocks.{}.", i))));
  return out;
}

at::Tensor local_features(const ModalityEncoder& encoder, const Config& config, const at::Tensor& input) {
  const double grad_mult = config.model.local_grad_mult;
  if (const auto* patches = std::get_if<PatchWeights>(&encoder.local))
    return scale_gradient(patch_embed(*patches, input, patch_grid(config).patch), grad_mult);
  if (const auto* speech = std::get_if<SpeechWeights>(&encoder.local))
    return speech_features(*speech, input, grad_mult);
  return scale_gradient(text_features(std::get<TextWeights>(encoder.local), input), grad_mult);
}

RowPadding padding_of(const Config& config, const at::Tensor& lengths, int64_t positions) {
  if (!lengths.defined()) return {};
  const Modality modality = config.model.modality;
  check<UsageError>(!on_grid(modality),
                    "pictures and spectrograms have no padding, but the batch has lengths");
  const Padding kind = modality == Modality::speech ? config.speech.padding : config.text.padding;
  return {valid_positions(lengths, positions), kind != Padding::reference};
}

ConvDecoderShape decoder_shape(const Config& config) {
  const Modality modality = config.model.modality;
  const bool text = modality == Modality::text;
  return {config.model.dim, on_grid(modality) ? 2 : 1,
          text ? linear_init(config.model) : Init::uniform_fan_in};
}

}  // namespace d2v
