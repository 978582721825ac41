#include "golden_case.h"

#include <algorithm>
#include <fstream>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/tensor_file.h"

namespace d2v::golden {

namespace {

NormKind norm_kind(const std::string& name) {
  const auto& names = EnumNames<NormKind>::names;
  const auto found = std::find(names.begin(), names.end(), name);
  check<DataError>(found != names.end(), "unknown target norm {}", name);
  return static_cast<NormKind>(found - names.begin());
}

}  // namespace

const at::Tensor& Case::at(const std::string& tensor) const {
  const auto found = tensors.find(tensor);
  check<DataError>(found != tensors.end(), "{}: tensors.safetensors has no tensor named {}", name, tensor);
  return found->second;
}

Case load_case(const std::filesystem::path& folder) {
  Case out;
  out.name = std::filesystem::weakly_canonical(folder).filename().string();
  const std::filesystem::path settings = folder / "config.json";
  std::ifstream in(settings);
  check<DataError>(in.good(), "{}: expected a case folder with config.json and tensors.safetensors",
                   folder.string());
  try {
    out.settings = nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("{}: not valid JSON: {}", settings.string(), error.what());
  }
  out.tensors = read_tensors(folder / "tensors.safetensors");
  return out;
}

namespace {

// Reads keys of config.json, each once and by its type.
struct Settings {
  const nlohmann::json& json;
  double number(const char* key) const { return json.at(key).get<double>(); }
  int64_t integer(const char* key) const { return json.at(key).get<int64_t>(); }
  bool flag(const char* key) const { return json.at(key).get<bool>(); }
  bool has(const char* key) const { return json.contains(key); }
};

// "512:10:5, 16:3:2" of [[512, 10, 5], [16, 3, 2]].
std::string conv_layers(const nlohmann::json& layers) {
  std::string out;
  for (const nlohmann::json& layer : layers)
    out += fmt::format("{}{}:{}:{}", out.empty() ? "" : ", ", layer.at(0).get<int64_t>(),
                       layer.at(1).get<int64_t>(), layer.at(2).get<int64_t>());
  return out;
}

Modality modality_of(const std::string& name) {
  if (name == "image") return Modality::image;
  if (name == "audio") return Modality::speech;
  check<UsageError>(name == "text", "modality {} is not built in", name);
  return Modality::text;
}

void read_input(const Settings& s, Config& config) {
  switch (config.model.modality) {
    case Modality::image:
      config.image.size = s.integer("image_size");
      config.image.channels = s.integer("in_chans");
      config.image.patch = s.integer("patch_size");
      break;
    case Modality::speech:
      config.speech.conv_layers = conv_layers(s.json.at("feature_encoder"));
      config.speech.positions_depth = s.integer("conv_pos_depth");
      config.speech.positions_width = s.integer("conv_pos_width");
      config.speech.positions_groups = s.integer("conv_pos_groups");
      if (s.has("encoder_zero_mask")) config.speech.zero_masked = s.flag("encoder_zero_mask");
      config.speech.padding = Padding::reference;
      break;
    case Modality::text:
      config.text.vocabulary_size = s.integer("vocab_size");
      config.text.max_positions = s.integer("max_positions");
      config.text.block = s.integer("positions");
      config.text.padding = Padding::reference;
      break;
    case Modality::spectrogram:
      fail("no case of spectrograms is recorded");
  }
}

void read_optimizer(const Settings& s, Config& config) {
  OptimConfig& optim = config.optim;
  optim.lr = s.number("lr");
  optim.min_lr = s.number("min_lr");
  optim.warmup = updates(s.number("warmup_updates"));
  optim.beta1 = s.json.at("betas").at(0);
  optim.beta2 = s.json.at("betas").at(1);
  optim.eps = s.number("eps");
  optim.weight_decay = s.number("weight_decay");
  optim.clip_norm = s.number("clip_norm");
  optim.decay_all = s.json.at("no_weight_decay").empty();
  if (!s.has("ema_decay")) return;
  config.ema.decay = s.number("ema_decay");
  config.ema.end_decay = s.number("ema_end_decay");
  config.ema.anneal = updates(s.number("ema_anneal_end_step"));
}

void read_targets(const Settings& s, Config& config) {
  config.target.layers = s.integer("average_top_k_layers");
  config.target.layer_norm = norm_kind(s.json.at("target_layer_norm"));
  config.target.final_norm = norm_kind(s.json.at("target_final_norm"));
  config.target.norm_over =
      s.json.value("instance_norm_over", "all") == "all" ? NormOver::all : NormOver::valid;
  config.target.end_of_block = s.has("end_of_block_targets") && s.flag("end_of_block_targets");
  config.loss.beta = s.number("loss_beta");
  config.loss.scale = s.json.at("loss_scale").is_null() ? 0 : s.number("loss_scale");
}

void read_data2vec2(const Settings& s, Config& config) {
  ModelConfig& model = config.model;
  model.prenet_depth = s.integer("prenet_depth");
  model.mlp_ratio = s.number("mlp_ratio");
  model.layer_norm_first = s.flag("layer_norm_first");
  model.extra_tokens = s.integer("num_extra_tokens");
  model.local_grad_mult = s.number("local_grad_mult");
  model.alibi = s.flag("use_alibi");
  const int64_t dimensions = on_grid(model.modality) ? 2 : 1;
  check<UsageError>(
      !model.alibi || !s.has("alibi_dims") || s.integer("alibi_dims") == dimensions,
      "alibi_dims: the bias of modality {} has {} dimensions here, the case was recorded with {}",
      name_of(model.modality), dimensions, s.json.value("alibi_dims", int64_t{0}));
  model.alibi_scale = s.number("alibi_scale");
  model.alibi_scale_learned = s.flag("learned_alibi_scale");
  model.alibi_scale_per_head = s.flag("learned_alibi_scale_per_head");
  model.alibi_scale_per_layer = s.flag("learned_alibi_scale_per_layer");

  DecoderConfig& decoder = config.decoder;
  decoder.dim = s.integer("decoder_dim");
  decoder.groups = s.integer("decoder_groups");
  decoder.kernel = s.integer("decoder_kernel");
  decoder.layers = s.integer("decoder_layers");
  decoder.residual = s.flag("decoder_residual");
  decoder.projection_layers = s.integer("decoder_projection_layers");
  decoder.projection_ratio = s.number("decoder_projection_ratio");
  decoder.add_positions_all = s.flag("decoder_add_positions_all");
  decoder.add_positions_masked = s.flag("decoder_add_positions_masked");

  read_targets(s, config);
  config.loss.regression = s.number("d2v_loss");
  config.loss.cls = s.number("cls_loss");
  config.loss.recon = s.number("recon_loss");
  config.ema.local_encoder = s.flag("ema_local_encoder");
  config.ema.encoder_only = s.flag("ema_encoder_only");
}

void read_mae(const Settings& s, Config& config) {
  config.model.objective = ObjectiveKind::mae;
  config.model.mlp_ratio = s.number("mlp_ratio");
  config.mae.decoder_dim = s.integer("decoder_embed_dim");
  config.mae.decoder_depth = s.integer("decoder_depth");
  config.mae.decoder_heads = s.integer("decoder_num_heads");
  config.mae.normalize_pixels = s.flag("normalize_pixels");
}

void read_data2vec1(const Case& recorded, const Settings& s, Config& config) {
  config.model.objective = ObjectiveKind::data2vec1;
  config.mask.clones = 1;
  // ffn_dim of the settings does not hold for images; the recorded matrices do.
  for (const char* name : {"param.encoder.layers.0.fc1.weight", "param.encoder.blocks.0.mlp.0.weight",
                           "param.encoder.sentence_encoder.layers.0.fc1.weight"})
    if (recorded.has(name))
      config.model.mlp_ratio =
          static_cast<double>(recorded.at(name).size(0)) / static_cast<double>(config.model.dim);
  if (s.has("layer_scale")) config.data2vec1.layer_scale = s.number("layer_scale");
  if (s.has("head_layers")) config.data2vec1.text_head_layers = s.integer("head_layers");
  read_targets(s, config);
}

}  // namespace

Config to_config(const Case& recorded) {
  const Settings s{recorded.settings};
  const std::string method = recorded.settings.value("method", "(none)");
  check<UsageError>(method == "data2vec2" || method == "data2vec1" || method == "mae",
                    "{}: method {} is not built in", recorded.name, method);
  Config config;
  config.run.updates = updates(s.number("max_update"));
  config.run.seed = s.integer("seed");
  config.model.modality = modality_of(recorded.settings.at("modality"));
  config.model.dim = s.integer("embed_dim");
  config.model.heads = s.integer("num_heads");
  config.model.depth = s.integer("depth");
  config.model.norm_eps = s.number("norm_eps");
  read_input(s, config);
  read_optimizer(s, config);
  if (method == "data2vec2") read_data2vec2(s, config);
  if (method == "data2vec1") read_data2vec1(recorded, s, config);
  if (method == "mae") read_mae(s, config);
  return config;
}

}  // namespace d2v::golden
