#include "d2v/model/data2vec2.h"

#include <cmath>

#include "d2v/decoders/conv_decoder_1d.h"
#include "d2v/model/part_hooks.h"
#include "d2v/model/vicreg.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/rows.h"

namespace d2v {

Data2Vec2::Data2Vec2(const Config& config, Precision precision)
    : ArenaObjective(config, precision, declare(config)) {
  set_modality_encoder(config, layout_, student_arenas_.full);
  start_teacher();
  student_ = make_encoder(student_arenas_, student_arenas_);
  teacher_ = make_encoder(config.ema.encoder_only ? student_arenas_ : teacher_arenas_, teacher_arenas_);
  const Weights all(layout_, student_arenas_);
  decoder_ =
      conv_decoder_weights(all.below(modality_prefix(config.model.modality) + "decoder."), config.decoder);
  recon_weight_ = all.optional("recon_proj.weight");
  recon_bias_ = all.optional("recon_proj.bias");
}

Data2Vec2::Encoder Data2Vec2::make_encoder(const WeightArenas& modality, const WeightArenas& blocks) const {
  Encoder out;
  out.modality =
      modality_encoder(Weights(layout_, modality, modality_prefix(config_.model.modality)), config_);
  for (int64_t i = 0; i < config_.model.depth; ++i)
    out.blocks.push_back(block_weights(Weights(layout_, blocks, fmt::format("blocks.{}.", i))));
  out.norm = norm_weights(Weights(layout_, modality), "norm");
  return out;
}

StepOutput Data2Vec2::forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) {
  return step(on_device(batch), key, trace, /*training=*/true);
}

StepOutput Data2Vec2::evaluate(const DeviceBatch& batch, const StepKey& key) {
  const at::NoGradGuard no_grad;
  return step(on_device(batch), key, nullptr, /*training=*/false);
}

StepOutput Data2Vec2::step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const {
  constexpr uint32_t embedding_dropout_site = (1u << 30) + 3;
  // Noise is part of the method and stays in evaluation, there keyed by the sample alone; dropouts do not.
  const uint64_t step = training ? static_cast<uint64_t>(key.update) : 0;
  const RowKeys noise_keys = row_keys(batch, key, step, batch.visible.size(1));
  const RowKeys keys = training ? noise_keys : RowKeys{};
  const RowKeys sample_keys = training ? row_keys(batch, key, step, 1) : RowKeys{};

  enter(clock_, StepPart::local_encoder);
  const at::Tensor z = local_features(student_.modality, config_, batch.input);
  record(trace, "local_features", z);
  const RowPadding padding = padding_of(config_, batch.lengths, z.size(1));
  const at::Tensor dropped = config_.model.modality == Modality::text
                                 ? dropout(z, config_.text.dropout, sample_keys, embedding_dropout_site)
                                 : z;
  made_by(clock_, StepPart::local_encoder, dropped);
  enter(clock_, StepPart::gather);
  const EncoderInput input =
      student_input(student_.modality, config_, dropped, batch, padding, noise_keys, trace);
  made_by(clock_, StepPart::gather, input.x);
  enter(clock_, StepPart::student);
  const at::Tensor encoded = run_student(input, key, keys, trace);
  made_by(clock_, StepPart::student, encoded);
  const at::Tensor prediction = decode(encoded, batch, padding, noise_keys, keys, trace);
  made_by(clock_, StepPart::decoder, prediction);
  const at::Tensor targets = run_teacher(batch.input, z.detach(), padding, trace);
  record(trace, "targets", targets);

  enter(clock_, StepPart::loss);
  StepOutput out;
  out.sample_size = batch.masked.numel();
  out.loss = add_losses(batch, padding, key, encoded, prediction, targets, out);
  out.target_moments = masked_moments(targets, batch.masked);
  out.prediction_moments = row_moments(prediction);
  out.targets = targets;
  out.local_features = z.detach();
  enter(clock_, StepPart::other);
  return out;
}

at::Tensor Data2Vec2::run_student(const EncoderInput& input, const StepKey& key, const RowKeys& keys,
                                  Trace* trace) const {
  const ModelConfig& model = config_.model;
  at::Tensor x = prenet_forward(student_.modality, config_, input, keys);
  record(trace, "prenet_output", x);

  const uint32_t first = static_cast<uint32_t>(model.prenet_depth);
  constexpr uint32_t dropout_input_site = (1u << 30) + 1;
  x = dropout(x, model.dropout_input, keys, dropout_input_site);
  Philox skip({key.seed, Stream::layerdrop, static_cast<uint64_t>(key.update)});
  for (int64_t i = 0; i < model.depth; ++i) {
    if (!keys.empty() && model.layerdrop > 0 && skip.uniform() < model.layerdrop) continue;
    const double rate = drop_path_rate(model.drop_path_start, model.drop_path_end, i, model.depth);
    x = block_forward(student_.blocks[i], model, x, input.bias.of_block(first + i), rate, keys,
                      first + static_cast<uint32_t>(i))
            .output;
    record(trace, fmt::format("student_layer.{}", i), x);
  }
  if (model.layer_norm_first) x = layer_norm(x, student_.norm, model.norm_eps);
  record(trace, "encoder_output", x);
  return x;
}

at::Tensor Data2Vec2::decode(const at::Tensor& encoded, const DeviceBatch& batch, const RowPadding& padding,
                             const RowKeys& noise_keys, const RowKeys& keys, Trace* trace) const {
  const DecoderConfig& decoder = config_.decoder;
  constexpr uint32_t dropout_site = (1u << 30) + 2;
  enter(clock_, StepPart::restore);
  const at::Tensor rows =
      dropout(encoded.slice(1, config_.model.extra_tokens), decoder.input_dropout, keys, dropout_site);
  const at::Tensor& positions = student_.modality.fixed_positions;
  const bool recorded = trace && trace->decoder_noise.defined();
  at::Tensor x;
  if (!recorded && !decoder.add_positions_masked) {
    x = restore_with_noise(rows, noise_keys, decoder.noise_std, batch.visible, batch.masked);
  } else {
    at::Tensor noise = recorded ? trace->decoder_noise.to(rows.device(), dtype_)
                                : row_noise(noise_keys, batch.masked.size(2), config_.model.dim,
                                            decoder.noise_std, dtype_, Stream::decoder_noise, rows.device());
    if (decoder.add_positions_masked) {
      const at::Tensor at_masked =
          gather_visible(positions.expand({batch.masked.size(0), -1, -1}), batch.masked);
      noise = (noise + at_masked).to(dtype_);
    }
    x = restore_order(rows, noise, batch.visible, batch.masked);
  }
  if (decoder.add_positions_all) x = (x + positions).to(dtype_);
  record(trace, "decoder_input", x);
  made_by(clock_, StepPart::restore, x);
  enter(clock_, StepPart::decoder);

  if (on_grid(config_.model.modality)) {
    const PatchGrid grid = patch_grid(config_);
    x = conv_decoder_layers(decoder_, decoder, x, grid.rows(), grid.columns());
  } else {
    const at::Tensor valid = padding.repeated(batch.visible.size(1)).for_convolutions();
    if (!trace)
      return conv_decoder_projection(
          decoder_, conv_decoder_layers_1d(decoder_, decoder, x, valid, batch.masked.flatten(0, 1)));
    x = conv_decoder_layers_1d(decoder_, decoder, x, valid);
  }
  if (trace) {
    const at::Tensor everywhere = conv_decoder_projection(decoder_, x);
    record(trace, "decoder_output", everywhere);
    return take_rows(everywhere, batch.masked);
  }
  return conv_decoder_projection(decoder_, take_rows(x, batch.masked));
}

bool Data2Vec2::own_local_features(Network which) const {
  return which == Network::student || (config_.ema.local_encoder && !config_.ema.encoder_only);
}

at::Tensor Data2Vec2::run_teacher(const at::Tensor& input, const at::Tensor& student_z,
                                  const RowPadding& padding, Trace* trace) const {
  const at::NoGradGuard no_grad;
  enter(clock_, StepPart::teacher);
  const ModelConfig& model = config_.model;
  const at::Tensor z =
      own_local_features(Network::teacher) ? local_features(teacher_.modality, config_, input) : student_z;
  const EncoderInput full = full_input(teacher_.modality, config_, z, padding);
  at::Tensor x = prenet_forward(teacher_.modality, config_, full, {});
  record(trace, "teacher_prenet_output", x);
  if (trace && full.bias.has_alibi())
    record(trace, "teacher_alibi", full.bias.alibi().expand({x.size(0), -1, -1, -1}));
  std::vector<at::Tensor> layers;
  for (int64_t i = 0; i < model.depth; ++i) {
    const BlockOutput block =
        block_forward(teacher_.blocks[i], model, x, full.bias.of_block(model.prenet_depth + i), 0, {}, 0);
    x = block.output;
    layers.push_back((config_.target.end_of_block ? block.output : block.ffn).slice(1, model.extra_tokens));
    record(trace, fmt::format("teacher_layer.{}", i), layers.back());
  }
  enter(clock_, StepPart::targets);
  return make_targets(layers, config_.target, padding.valid);
}

at::Tensor Data2Vec2::add_losses(const DeviceBatch& batch, const RowPadding& padding, const StepKey& key,
                                 const at::Tensor& encoded, const at::Tensor& prediction,
                                 const at::Tensor& targets, StepOutput& out) const {
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
    const at::Tensor mean =
        mean_over_positions(targets, padding.for_convolutions()).repeat_interleave(batch.visible.size(1), 0);
    // Weighed so that the result depends neither on accumulation nor on the number of workers (section 4).
    const double cls_batch =
        loss.cls_batch > 0 ? static_cast<double>(loss.cls_batch) : static_cast<double>(key.update_samples);
    const double weight = loss.cls * cls_batch / static_cast<double>(key.update_samples) *
                          static_cast<double>(key.update_sample_size);
    total = total + part("cls", element_loss(token, mean, {loss.beta, scale}).sum() * weight);
  }
  if (loss.recon > 0) {
    const at::Tensor pixels = at::linear(prediction, recon_weight_, recon_bias_);
    const at::Tensor wanted = normalised_patches(batch.input, patch_grid(config_).patch);
    total = total + part("recon", masked_loss(pixels, wanted, batch.masked, {loss.beta, scale * loss.recon}));
  }
  return add_collapse_remedies(total, prediction, loss, batch.masked.numel(), out);
}

Features Data2Vec2::embed_padded(const at::Tensor& host_input, const at::Tensor& host_lengths,
                                 Network which) {
  const at::NoGradGuard no_grad;
  const at::Tensor input = on_device(host_input), lengths = on_device(host_lengths);
  const ModelConfig& model = config_.model;
  const Encoder& network = which == Network::teacher ? teacher_ : student_;
  Features out;
  out.extra_tokens = model.extra_tokens;
  const at::Tensor z =
      local_features(own_local_features(which) ? network.modality : student_.modality, config_, input);
  const EncoderInput full = full_input(network.modality, config_, z, padding_of(config_, lengths, z.size(1)));
  at::Tensor x = prenet_forward(network.modality, config_, full, {}, &out.layers);
  for (int64_t i = 0; i < model.depth; ++i) {
    x = block_forward(network.blocks[i], model, x, full.bias.of_block(model.prenet_depth + i), 0, {}, 0)
            .output;
    out.layers.push_back(x);
  }
  if (model.layer_norm_first) out.layers.back() = layer_norm(x, network.norm, model.norm_eps);
  for (at::Tensor& layer : out.layers) layer = layer.to(at::kFloat);
  return out;
}

}  // namespace d2v
