#include "d2v/model/data2vec2.h"

#include <cmath>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "d2v/nn/positions.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

const std::string image_prefix = "modality_encoders.IMAGE.";

void record(Trace* trace, const std::string& stage, const at::Tensor& value) {
  if (trace && trace->record) trace->record(stage, value.detach());
}

// One key per row of the student's batch, clones of a sample adjacent.
RowKeys row_keys(const DeviceBatch& batch, const StepKey& key, uint64_t step) {
  RowKeys keys;
  const int64_t clones = batch.visible.size(1);
  for (const SampleRef& ref : batch.refs)
    for (int64_t m = 0; m < clones; ++m)
      keys.push_back({key.seed, Stream::dropout, step, ref.id, ref.occurrence, static_cast<uint32_t>(m)});
  return keys;
}

std::vector<Parameter> declare(const Config& config) {
  std::vector<Parameter> out;
  declare_image_encoder(out, image_prefix, config);
  for (int64_t i = 0; i < config.model.depth; ++i)
    declare_block(out, fmt::format("blocks.{}.", i), config.model, TeacherRule::averaged);
  if (config.model.layer_norm_first && config.model.norm_affine) {
    const TeacherRule rule = config.ema.encoder_only ? TeacherRule::absent : TeacherRule::averaged;
    out.push_back({"norm.weight", {config.model.dim}, Init::constant, 1, rule, true, false, true});
    out.push_back({"norm.bias", {config.model.dim}, Init::constant, 0, rule, true, false, true});
  }
  declare_conv_decoder(out, image_prefix + "decoder.", config.decoder, config.model.dim);
  if (config.loss.recon > 0) {
    const int64_t dim = config.model.dim,
                  pixels = config.image.patch * config.image.patch * config.image.channels;
    check<UsageError>(
        pixels == dim,
        "loss.recon needs image.patch² · channels = model.dim, found {} and {}: set loss.recon = 0 or "
        "change one of them",
        pixels, dim);
    const double fan_in = static_cast<double>(dim);
    out.push_back({"recon_proj.weight", {dim, dim}, Init::uniform_fan_in, fan_in, TeacherRule::absent});
    out.push_back({"recon_proj.bias", {dim}, Init::uniform_fan_in, fan_in, TeacherRule::absent, true, false});
  }
  return out;
}

void check_settings(const Config& config) {
  const ModelConfig& model = config.model;
  check<UsageError>(
      model.objective == ObjectiveKind::data2vec2 && model.modality == Modality::image,
      "model.objective = {} with model.modality = {} is not there yet: expected data2vec2 with image",
      name_of(model.objective), name_of(model.modality));
  check<UsageError>(config.target.layers <= model.depth,
                    "target.layers = {} is more than the {} shared blocks (model.depth)",
                    config.target.layers, model.depth);
  check<UsageError>(config.target.final_norm != NormKind::batch,
                    "target.final_norm = batch is not defined: use layer, instance or none");
  check<UsageError>(config.loss.cls == 0 || model.extra_tokens > 0,
                    "loss.cls = {} needs an extra token: set model.extra_tokens = 1 or loss.cls = 0",
                    config.loss.cls);
}

}  // namespace

Data2Vec2::Data2Vec2(const Config& config, Precision precision)
    : config_(config),
      dtype_(precision == Precision::bf16 ? at::kBFloat16 : at::kFloat),
      side_(config.image.size / config.image.patch) {
  check_settings(config);
  layout_ = ParameterLayout(declare(config));
  student_arenas_.full = make_arena(layout_.size(), at::kFloat);
  student_arenas_.full_gradient = make_arena(layout_.size(), at::kFloat);
  const bool low = dtype_ != at::kFloat;
  student_arenas_.low = low ? make_arena(layout_.size(), dtype_) : student_arenas_.full;
  student_arenas_.low_gradient = low ? make_arena(layout_.size(), dtype_) : student_arenas_.full_gradient;

  initialise(layout_, student_arenas_.full, static_cast<uint64_t>(config.run.seed));
  const auto weight = [&](const std::string& name) {
    return view_of(student_arenas_.full, layout_.at(name));
  };
  weight(image_prefix + "fixed_positional_encoder.positions")
      .copy_(sincos_positions(side_, config.model.dim));
  if (config.model.init_extra_token_zero && config.model.extra_tokens > 0)
    weight(image_prefix + "extra_tokens").select(1, 0).zero_();

  teacher_arenas_.full = student_arenas_.full.narrow(0, 0, layout_.teacher_size()).clone();
  teacher_arenas_.low = low ? make_arena(layout_.teacher_size(), dtype_) : teacher_arenas_.full;
  weights_changed();

  student_ = make_encoder(student_arenas_, student_arenas_);
  teacher_ = make_encoder(config.ema.encoder_only ? student_arenas_ : teacher_arenas_, teacher_arenas_);
  const Weights all(layout_, student_arenas_);
  decoder_ = conv_decoder_weights(all.below(image_prefix + "decoder."), config.decoder);
  recon_weight_ = all.optional("recon_proj.weight");
  recon_bias_ = all.optional("recon_proj.bias");
}

Data2Vec2::Encoder Data2Vec2::make_encoder(const WeightArenas& image, const WeightArenas& blocks) const {
  Encoder out;
  out.image = image_encoder_weights(Weights(layout_, image, image_prefix), config_);
  for (int64_t i = 0; i < config_.model.depth; ++i)
    out.blocks.push_back(block_weights(Weights(layout_, blocks, fmt::format("blocks.{}.", i))));
  out.norm = norm_weights(Weights(layout_, image), "norm");
  return out;
}

void Data2Vec2::weights_changed() {
  if (dtype_ == at::kFloat) return;
  student_arenas_.low.copy_(student_arenas_.full);
  teacher_arenas_.low.copy_(teacher_arenas_.full);
}

void Data2Vec2::zero_gradients() {
  student_arenas_.full_gradient.zero_();
  if (dtype_ != at::kFloat) student_arenas_.low_gradient.zero_();
}

void Data2Vec2::backward(const at::Tensor& loss, double scale) {
  loss.backward(at::full({}, scale, loss.options()));
  if (dtype_ == at::kFloat) return;
  // bf16 weights collect bf16 gradients of one slice; slices add up in fp32.
  student_arenas_.full_gradient.add_(student_arenas_.low_gradient);
  student_arenas_.low_gradient.zero_();
}

StepOutput Data2Vec2::forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) {
  return step(batch, key, trace, /*training=*/true);
}

StepOutput Data2Vec2::evaluate(const DeviceBatch& batch, const StepKey& key) {
  const at::NoGradGuard no_grad;
  return step(batch, key, nullptr, /*training=*/false);
}

StepOutput Data2Vec2::step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const {
  // Noise is part of the method and stays in evaluation, there keyed by the sample alone; dropouts do not.
  const RowKeys noise_keys = row_keys(batch, key, training ? static_cast<uint64_t>(key.update) : 0);
  const RowKeys keys = training ? noise_keys : RowKeys{};

  const at::Tensor z = scale_gradient(patch_embed(student_.image, batch.input, config_.image.patch),
                                      config_.model.local_grad_mult);
  record(trace, "local_features", z);
  const at::Tensor encoded = run_student(z, batch, key, keys, trace);
  const at::Tensor prediction = decode(encoded, batch, noise_keys, keys, trace);
  const at::Tensor targets = run_teacher(batch.input, z.detach(), trace);
  record(trace, "targets", targets);

  StepOutput out;
  out.sample_size = batch.masked.numel();
  out.loss = add_losses(batch, key, encoded, prediction, targets, out);
  out.target_moments = masked_moments(targets, batch.masked);
  out.prediction_moments = row_moments(prediction);
  out.targets = targets;
  out.local_features = z.detach();
  return out;
}

at::Tensor Data2Vec2::run_student(const at::Tensor& z, const DeviceBatch& batch, const StepKey& key,
                                  const RowKeys& keys, Trace* trace) const {
  const ModelConfig& model = config_.model;
  const at::Tensor bias = encoder_bias(config_, batch.visible);
  at::Tensor x = gather_visible((z + student_.image.positions).to(dtype_), batch.visible);
  x = prepend_extra_tokens(student_.image, x);
  record(trace, "student_encoder_input", x);
  x = prenet_forward(student_.image, config_, x, bias, keys);
  record(trace, "prenet_output", x);

  const uint32_t first = static_cast<uint32_t>(model.prenet_depth);
  constexpr uint32_t dropout_input_site = (1u << 30) + 1;
  x = dropout(x, model.dropout_input, keys, dropout_input_site);
  Philox skip({key.seed, Stream::batch, static_cast<uint64_t>(key.update)});
  for (int64_t i = 0; i < model.depth; ++i) {
    if (!keys.empty() && model.layerdrop > 0 && skip.uniform() < model.layerdrop) continue;
    const double rate = drop_path_rate(model.drop_path_start, model.drop_path_end, i, model.depth);
    const at::Tensor b = scaled_bias(bias, student_.image.alibi_scale, first + i);
    x = block_forward(student_.blocks[i], model, x, b, rate, keys, first + static_cast<uint32_t>(i)).output;
    record(trace, fmt::format("student_layer.{}", i), x);
  }
  if (model.layer_norm_first) x = layer_norm(x, student_.norm, model.norm_eps);
  record(trace, "encoder_output", x);
  return x;
}

at::Tensor Data2Vec2::decode(const at::Tensor& encoded, const DeviceBatch& batch, const RowKeys& noise_keys,
                             const RowKeys& keys, Trace* trace) const {
  const DecoderConfig& decoder = config_.decoder;
  constexpr uint32_t dropout_site = (1u << 30) + 2;
  const at::Tensor rows =
      dropout(encoded.slice(1, config_.model.extra_tokens), decoder.input_dropout, keys, dropout_site);
  at::Tensor noise =
      trace && trace->decoder_noise.defined()
          ? trace->decoder_noise.to(dtype_)
          : row_noise(noise_keys, batch.masked.size(2), config_.model.dim, decoder.noise_std, dtype_);
  const at::Tensor& positions = student_.image.positions;
  if (decoder.add_positions_masked) {
    const at::Tensor at_masked =
        gather_visible(positions.expand({batch.masked.size(0), -1, -1}), batch.masked);
    noise = (noise + at_masked).to(dtype_);
  }
  at::Tensor x = restore_order(rows, noise, batch.visible, batch.masked);
  if (decoder.add_positions_all) x = (x + positions).to(dtype_);
  record(trace, "decoder_input", x);

  x = conv_decoder_layers(decoder_, decoder, x, side_);
  if (trace) {
    const at::Tensor everywhere = conv_decoder_projection(decoder_, x);
    record(trace, "decoder_output", everywhere);
    return take_rows(everywhere, batch.masked);
  }
  return conv_decoder_projection(decoder_, take_rows(x, batch.masked));
}

at::Tensor Data2Vec2::run_teacher(const at::Tensor& pixels, const at::Tensor& student_z, Trace* trace) const {
  const at::NoGradGuard no_grad;
  const ModelConfig& model = config_.model;
  const at::Tensor z = config_.ema.local_encoder && !config_.ema.encoder_only
                           ? patch_embed(teacher_.image, pixels, config_.image.patch)
                           : student_z;
  const at::Tensor bias = encoder_bias(config_, {});
  at::Tensor x = prepend_extra_tokens(teacher_.image, (z + teacher_.image.positions).to(dtype_));
  x = prenet_forward(teacher_.image, config_, x, bias, {});
  record(trace, "teacher_prenet_output", x);
  std::vector<at::Tensor> layers;
  for (int64_t i = 0; i < model.depth; ++i) {
    const at::Tensor b = scaled_bias(bias, teacher_.image.alibi_scale, model.prenet_depth + i);
    const BlockOutput block = block_forward(teacher_.blocks[i], model, x, b, 0, {}, 0);
    x = block.output;
    layers.push_back((config_.target.end_of_block ? block.output : block.ffn).slice(1, model.extra_tokens));
    record(trace, fmt::format("teacher_layer.{}", i), layers.back());
  }
  return make_targets(layers, config_.target);
}

at::Tensor Data2Vec2::add_losses(const DeviceBatch& batch, const StepKey& key, const at::Tensor& encoded,
                                 const at::Tensor& prediction, const at::Tensor& targets,
                                 StepOutput& out) const {
  const LossConfig& loss = config_.loss;
  const double scale = loss.scale > 0 ? loss.scale : 1.0 / std::sqrt(static_cast<double>(config_.model.dim));
  const auto part = [&out](const char* name, const at::Tensor& value) {
    out.parts.push_back({name, value.detach()});
    return value;
  };

  at::Tensor total = part(
      "regression", masked_loss(prediction, targets, batch.masked, {loss.beta, scale * loss.regression}));
  if (loss.cls > 0) {
    const at::Tensor token = encoded.select(1, config_.model.extra_tokens - 1);
    const at::Tensor mean = targets.mean(1).repeat_interleave(batch.visible.size(1), 0);
    // Weighed so that the result depends neither on accumulation nor on the number of workers (section 4).
    const double cls_batch =
        loss.cls_batch > 0 ? static_cast<double>(loss.cls_batch) : static_cast<double>(key.update_samples);
    const double weight = loss.cls * cls_batch / static_cast<double>(key.update_samples) *
                          static_cast<double>(key.update_sample_size);
    total = total + part("cls", element_loss(token, mean, {loss.beta, scale}).sum() * weight);
  }
  if (loss.recon > 0) {
    const at::Tensor pixels = at::linear(prediction, recon_weight_, recon_bias_);
    const at::Tensor wanted = normalised_patches(batch.input, config_.image.patch);
    total = total + part("recon", masked_loss(pixels, wanted, batch.masked, {loss.beta, scale * loss.recon}));
  }
  return total;
}

Features Data2Vec2::embed(const at::Tensor& input, Network which) {
  const at::NoGradGuard no_grad;
  const ModelConfig& model = config_.model;
  const Encoder& network = which == Network::teacher ? teacher_ : student_;
  Features out;
  out.extra_tokens = model.extra_tokens;
  // As in the step: without a local encoder of its own the teacher reads the student's local features.
  const bool own_local =
      which == Network::student || (config_.ema.local_encoder && !config_.ema.encoder_only);
  const at::Tensor z = patch_embed(own_local ? network.image : student_.image, input, config_.image.patch);
  const at::Tensor bias = encoder_bias(config_, {});
  at::Tensor x = prepend_extra_tokens(network.image, (z + network.image.positions).to(dtype_));
  x = prenet_forward(network.image, config_, x, bias, {}, &out.layers);
  for (int64_t i = 0; i < model.depth; ++i) {
    const at::Tensor b = scaled_bias(bias, network.image.alibi_scale, model.prenet_depth + i);
    x = block_forward(network.blocks[i], model, x, b, 0, {}, 0).output;
    out.layers.push_back(x);
  }
  if (model.layer_norm_first) out.layers.back() = layer_norm(x, network.norm, model.norm_eps);
  for (at::Tensor& layer : out.layers) layer = layer.to(at::kFloat);
  return out;
}

std::unique_ptr<Objective> make_objective(const Config& config, Precision precision) {
  return std::make_unique<Data2Vec2>(config, precision);
}

}  // namespace d2v
