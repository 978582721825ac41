#include "golden_case.h"

#include <algorithm>
#include <fstream>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
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

Config to_config(const Case& recorded) {
  const nlohmann::json& s = recorded.settings;
  const auto number = [&](const char* key) { return s.at(key).get<double>(); };
  const auto integer = [&](const char* key) { return s.at(key).get<int64_t>(); };
  const auto flag = [&](const char* key) { return s.at(key).get<bool>(); };

  check<UsageError>(s.contains("method") && s.at("method") == "data2vec2" && s.at("modality") == "image",
                    "{}: method {} on {} is not built in; this program replays data2vec2 on images",
                    recorded.name, s.value("method", "(none)"), s.value("modality", "(none)"));
  Config config;
  config.run.updates = updates(number("max_update"));
  config.run.seed = integer("seed");
  config.image.size = integer("image_size");
  config.image.channels = integer("in_chans");
  config.image.patch = integer("patch_size");

  ModelConfig& model = config.model;
  model.dim = integer("embed_dim");
  model.heads = integer("num_heads");
  model.prenet_depth = integer("prenet_depth");
  model.depth = integer("depth");
  model.mlp_ratio = number("mlp_ratio");
  model.norm_eps = number("norm_eps");
  model.layer_norm_first = flag("layer_norm_first");
  model.extra_tokens = integer("num_extra_tokens");
  model.local_grad_mult = number("local_grad_mult");
  model.alibi = flag("use_alibi");
  model.alibi_scale = number("alibi_scale");
  model.alibi_scale_learned = flag("learned_alibi_scale");
  model.alibi_scale_per_head = flag("learned_alibi_scale_per_head");
  model.alibi_scale_per_layer = flag("learned_alibi_scale_per_layer");

  DecoderConfig& decoder = config.decoder;
  decoder.dim = integer("decoder_dim");
  decoder.groups = integer("decoder_groups");
  decoder.kernel = integer("decoder_kernel");
  decoder.layers = integer("decoder_layers");
  decoder.residual = flag("decoder_residual");
  decoder.projection_layers = integer("decoder_projection_layers");
  decoder.projection_ratio = number("decoder_projection_ratio");
  decoder.add_positions_all = flag("decoder_add_positions_all");
  decoder.add_positions_masked = flag("decoder_add_positions_masked");

  config.target.layers = integer("average_top_k_layers");
  config.target.layer_norm = norm_kind(s.at("target_layer_norm"));
  config.target.final_norm = norm_kind(s.at("target_final_norm"));
  config.target.end_of_block = flag("end_of_block_targets");
  config.loss.beta = number("loss_beta");
  config.loss.scale = s.at("loss_scale").is_null() ? 0 : number("loss_scale");
  config.loss.regression = number("d2v_loss");
  config.loss.cls = number("cls_loss");
  config.loss.recon = number("recon_loss");
  config.ema.decay = number("ema_decay");
  config.ema.end_decay = number("ema_end_decay");
  config.ema.anneal = updates(number("ema_anneal_end_step"));
  config.ema.local_encoder = flag("ema_local_encoder");
  config.ema.encoder_only = flag("ema_encoder_only");

  OptimConfig& optim = config.optim;
  optim.lr = number("lr");
  optim.min_lr = number("min_lr");
  optim.warmup = updates(number("warmup_updates"));
  optim.beta1 = s.at("betas").at(0);
  optim.beta2 = s.at("betas").at(1);
  optim.eps = number("eps");
  optim.weight_decay = number("weight_decay");
  optim.clip_norm = number("clip_norm");
  return config;
}

}  // namespace d2v::golden
