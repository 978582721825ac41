#include "d2v/model/data2vec1.h"

#include <cmath>

#include "d2v/base/check.h"
#include "d2v/model/bert_tokens.h"
#include "d2v/model/losses.h"
#include "d2v/model/part_hooks.h"
#include "d2v/model/targets.h"
#include "d2v/model/vicreg.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

const SpeechNames speech_names{"feature_extractor.conv_layers.", "layer_norm", "post_extract_proj"};

void declare_token(std::vector<Parameter>& out, const std::string& name, std::vector<int64_t> shape,
                   Init init, double value) {
  out.push_back({name, std::move(shape), init, value, TeacherRule::absent, true, true, /*fp32=*/true});
}

// Names of the head's Linear layers.
std::vector<std::string> head_names(const Config& config) {
  if (config.model.modality != Modality::text) return {"final_proj"};
  std::vector<std::string> out;
  for (int64_t i = 0; i < config.data2vec1.text_head_layers; ++i)
    out.push_back(fmt::format("encoder.regression_head.{}", 2 * i));
  return out;
}

void declare_head(std::vector<Parameter>& out, const Config& config) {
  const int64_t dim = config.model.dim;
  const std::vector<std::string> names = head_names(config);
  if (config.model.modality == Modality::text) {
    for (size_t i = 0; i < names.size(); ++i) {
      const int64_t rows = i + 1 == names.size() ? dim : 2 * dim;
      declare_linear(out, names[i], rows, i == 0 ? dim : 2 * dim, Init::normal, TeacherRule::absent);
    }
    return;
  }
  declare_default(out, names[0], {dim, dim}, TeacherRule::absent);
  // The released image model has this layer but does not use it.
  const bool used = config.model.modality == Modality::speech || config.data2vec1.image_head;
  for (size_t i = out.size() - 2; i < out.size(); ++i) out[i].trainable = used;
}

}  // namespace

std::vector<Parameter> Data2Vec1::declare(const Config& config) {
  const ModelConfig& model = config.model;
  check<UsageError>(model.modality != Modality::spectrogram,
                    "model.objective = data2vec1 is for pictures, speech and text: expected model.modality = "
                    "image, speech or text, found spectrogram; use model.objective = data2vec2");
  check<UsageError>(config.mask.clones == 1,
                    "data2vec 1 has one mask per sample: expected mask.clones = 1, found {}",
                    config.mask.clones);
  check<UsageError>(config.target.layers <= model.depth,
                    "target.layers = {} is more than the {} blocks (model.depth)", config.target.layers,
                    model.depth);
  check<UsageError>(config.target.final_norm != NormKind::batch,
                    "target.final_norm = batch is not defined: use layer, instance or none");
  check<UsageError>(!model.layer_norm_first,
                    "model.layer_norm_first does not apply to data2vec 1: its speech and text blocks are "
                    "post-norm, its image blocks pre-norm");
  check<UsageError>(config.data2vec1.mask_share + config.data2vec1.random_share <= 1,
                    "data2vec1.mask_share = {} and data2vec1.random_share = {} are more than 1 together",
                    config.data2vec1.mask_share, config.data2vec1.random_share);
  std::vector<Parameter> out;
  const int64_t dim = model.dim;
  if (model.modality == Modality::image) {
    declare_patch_embedding(out, "patch_embed.conv", patch_grid(config.image), dim, TeacherRule::absent);
    declare_token(out, "cls_emb", {1, 1, dim}, Init::normal, 0.02);
    declare_token(out, "mask_emb", {1, 1, dim}, Init::normal, 0.02);
  }
  if (model.modality == Modality::speech) {
    declare_speech_encoder(out, speech_names, config.speech, dim, TeacherRule::absent);
    declare_token(out, "mask_emb", {dim}, Init::uniform_fan_in, 4);  // ±1/2; moved to 0 … 1 below
  }
  declare_data2vec1_encoder(out, config);
  declare_head(out, config);
  return out;
}

Data2Vec1::Data2Vec1(const Config& config, Precision precision)
    : ArenaObjective(config, precision, declare(config)) {
  const Modality modality = config.model.modality;
  const std::string prefix = data2vec1_prefix(modality);
  if (modality == Modality::text) zero_padding_rows(layout_, student_arenas_.full, prefix);
  if (modality == Modality::speech) {
    view_of(student_arenas_.full, layout_.at("mask_emb")).add_(0.5);
    average_taps(layout_, student_arenas_.full, speech_names.convolutions,
                 parse_conv_layers(config.speech.conv_layers));
  }
  start_teacher();

  const Weights weights(layout_, student_arenas_);
  if (modality == Modality::image) patch_ = patch_weights(weights, "patch_embed.conv");
  if (modality == Modality::speech) speech_ = speech_weights(weights, speech_names, config.speech);
  mask_embedding_ = weights.optional("mask_emb");
  cls_embedding_ = weights.optional("cls_emb");
  if (modality != Modality::image || config.data2vec1.image_head)
    for (const std::string& name : head_names(config)) {
      head_weight_.push_back(weights[name + ".weight"]);
      head_bias_.push_back(weights[name + ".bias"]);
    }
  student_ = data2vec1_encoder(weights.below(prefix), config);
  teacher_ = data2vec1_encoder(Weights(layout_, teacher_arenas_, prefix), config);
}

StepOutput Data2Vec1::forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) {
  return step(on_device(batch), key, trace, /*training=*/true);
}

StepOutput Data2Vec1::evaluate(const DeviceBatch& batch, const StepKey& key) {
  const at::NoGradGuard no_grad;
  return step(on_device(batch), key, nullptr, /*training=*/false);
}

at::Tensor Data2Vec1::local_features(const at::Tensor& input) const {
  const double grad_mult = config_.model.local_grad_mult;
  return config_.model.modality == Modality::speech
             ? speech_features(speech_, input, grad_mult)
             : scale_gradient(patch_embed(patch_, input, config_.image.patch), grad_mult);
}

at::Tensor Data2Vec1::prepend_cls(const at::Tensor& x) const {
  if (!cls_embedding_.defined()) return x;
  return at::cat({cls_embedding_.to(x.scalar_type()).expand({x.size(0), -1, -1}), x}, 1);
}

at::Tensor Data2Vec1::predict(const at::Tensor& rows) const {
  at::Tensor y = rows;
  for (size_t i = 0; i < head_weight_.size(); ++i)
    y = at::linear(i == 0 ? y : at::gelu(y), head_weight_[i], head_bias_[i]);
  return y;
}

Data2Vec1::Inputs Data2Vec1::make_inputs(const DeviceBatch& batch, const RowKeys& noise_keys,
                                         const RowKeys& keys, Trace* trace) const {
  constexpr uint32_t dropout_input_site = (1u << 30) + 1;
  enter(clock_, StepPart::local_encoder);
  Inputs out;
  if (config_.model.modality == Modality::text) {
    out.padding = {valid_positions(batch.lengths, batch.input.size(1))};
    const int64_t mask_token = config_.text.vocabulary_size - 1;
    const at::Tensor tokens =
        trace && trace->masked_tokens.defined()
            ? trace->masked_tokens.to(batch.input.device())
            : corrupt_tokens(batch.input, batch.masked, mask_token, config_.data2vec1, noise_keys);
    out.student = embed_tokens(student_, config_, tokens, keys);
    made_by(clock_, StepPart::local_encoder, out.student);
    const at::NoGradGuard no_grad;
    out.teacher = embed_tokens(teacher_, config_, batch.input, {});
    out.local = out.teacher;
    return out;
  }
  const at::Tensor z = local_features(batch.input);
  made_by(clock_, StepPart::local_encoder, z);
  enter(clock_, StepPart::restore);
  record(trace, "local_features", z);
  if (config_.model.modality == Modality::speech && batch.lengths.defined())
    out.padding = {valid_positions(batch.lengths, z.size(1)), config_.speech.padding != Padding::reference};
  const at::Tensor kept =
      gather_visible(dropout(z, config_.model.dropout_input, keys, dropout_input_site), batch.visible);
  const at::Tensor hidden =
      mask_embedding_.to(z.scalar_type()).expand({z.size(0), batch.masked.size(2), z.size(2)});
  out.local = z.detach();
  out.student = prepend_cls(restore_order(kept, hidden, batch.visible, batch.masked));
  out.teacher = prepend_cls(out.local).detach();
  made_by(clock_, StepPart::restore, out.student);
  return out;
}

StepOutput Data2Vec1::step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const {
  check(batch.visible.size(1) == 1, "data2vec 1 has one mask per sample, found {}", batch.visible.size(1));
  const RowKeys noise_keys = row_keys(batch, key, training ? static_cast<uint64_t>(key.update) : 0, 1);
  const RowKeys keys = training ? noise_keys : RowKeys{};
  const Philox skip({key.seed, Stream::layerdrop, static_cast<uint64_t>(key.update)});
  const Inputs inputs = make_inputs(batch, noise_keys, keys, trace);
  if (trace && config_.model.modality == Modality::image) {
    const at::Tensor index =
        relative_position_index(grid_side(config_.image)).to(student_.relative_table.device());
    record(trace, "relative_position_index", index);
    record(trace, "relative_position_bias", relative_position_bias(student_.relative_table, index)[0]);
  }
  record(trace, "student_encoder_input", inputs.student);

  enter(clock_, StepPart::student);
  const Data2Vec1Run student = run_data2vec1(student_, config_, inputs.student, inputs.padding, keys, skip);
  for (size_t i = 0; i < student.outputs.size(); ++i)
    record(trace, fmt::format("student_layer.{}", i), student.outputs[i]);
  record(trace, "encoder_output", student.output);
  made_by(clock_, StepPart::student, student.output);
  enter(clock_, StepPart::decoder);
  const at::Tensor prediction = predict(take_rows(student.output, batch.masked));
  made_by(clock_, StepPart::decoder, prediction);
  record(trace, "prediction", prediction.flatten(0, 1));

  at::Tensor targets;
  {
    const at::NoGradGuard no_grad;
    enter(clock_, StepPart::teacher);
    const Data2Vec1Run teacher = run_data2vec1(teacher_, config_, inputs.teacher, inputs.padding, {}, skip);
    for (size_t i = 0; i < teacher.results.size(); ++i)
      record(trace, fmt::format("teacher_layer.{}", i), teacher.results[i]);
    enter(clock_, StepPart::targets);
    targets = make_targets(teacher.results, config_.target, inputs.padding.valid);
    record(trace, "targets", take_rows(targets, batch.masked).flatten(0, 1));
  }

  enter(clock_, StepPart::loss);
  const LossConfig& loss = config_.loss;
  const double scale = loss.scale > 0 ? loss.scale : 1.0 / std::sqrt(static_cast<double>(config_.model.dim));
  StepOutput out;
  out.sample_size = batch.masked.numel();
  const at::Tensor regression =
      masked_loss(prediction, targets, batch.masked, {loss.beta, scale * loss.regression});
  out.parts.push_back({"regression", regression.detach()});
  out.loss = add_collapse_remedies(regression, prediction, loss, out.sample_size, out);
  out.target_moments = masked_moments(targets, batch.masked);
  out.prediction_moments = row_moments(prediction);
  out.targets = targets;
  out.local_features = inputs.local;
  enter(clock_, StepPart::other);
  return out;
}

Features Data2Vec1::embed_padded(const at::Tensor& host_input, const at::Tensor& host_lengths,
                                 Network which) {
  const at::NoGradGuard no_grad;
  const at::Tensor input = on_device(host_input), lengths = on_device(host_lengths);
  const Data2Vec1Encoder& network = which == Network::teacher ? teacher_ : student_;
  Features out;
  out.extra_tokens = config_.model.modality == Modality::image ? 1 : 0;
  at::Tensor x;
  RowPadding padding;
  if (config_.model.modality == Modality::text) {
    padding = {valid_positions(lengths, input.size(1))};
    x = embed_tokens(network, config_, input, {});
  } else {
    x = local_features(input);
    padding = {valid_positions(lengths, x.size(1)), config_.speech.padding != Padding::reference};
    x = prepend_cls(x);
  }
  out.layers = run_data2vec1(network, config_, x, padding, {}, Philox({})).outputs;
  if (out.extra_tokens > 0)
    out.layers.back() = layer_norm(out.layers.back(), network.final_norm, config_.model.norm_eps);
  for (at::Tensor& layer : out.layers) layer = layer.to(at::kFloat);
  return out;
}

}  // namespace d2v
