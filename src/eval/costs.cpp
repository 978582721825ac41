#include "d2v/eval/costs.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/base/conv_layers.h"

namespace d2v {

namespace {

// Operations and kept activations of a piece of the network.
struct Work {
  double flops = 0;
  double kept = 0;
  double skipped = 0;     // beside flops
  double recomputed = 0;  // in the backward
  Work& operator+=(const Work& other) {
    flops += other.flops;
    kept += other.kept;
    skipped += other.skipped;
    recomputed += other.recomputed;
    return *this;
  }
};
Work operator*(Work work, double times) {
  return {work.flops * times, work.kept * times, work.skipped * times, work.recomputed * times};
}

double real(int64_t n) { return static_cast<double>(n); }

Work linear(double rows, double in, double out) { return {2 * rows * in * out, rows * out}; }

// A convolution, its norm and its activation function: what enters each of them is kept.
Work convolution(double positions, double in, double groups, double window, double out) {
  return {2 * positions * out * window * in / groups, 3 * positions * out};
}

bool keeps_softmax(const ModelConfig& m) {
  return m.attention_dropout > 0 || (m.alibi && m.alibi_scale_learned);
}

// Whether blocks run tile by tile, which keeps less (can_fuse of the nn library, in fp32 on a CPU).
bool fused(const ModelConfig& m) {
  const double dropouts = m.encoder_dropout + m.attention_dropout + m.activation_dropout +
                          m.post_mlp_dropout + m.drop_path_start + m.drop_path_end;
  return !m.layer_norm_first && dropouts == 0 && !keeps_softmax(m);
}

struct BlockShape {
  double dim, heads, ffn;
  bool fused, softmax;
};
BlockShape shape_of(const ModelConfig& model) {
  // BEiT's and MAE's blocks are pre-norm whatever model.layer_norm_first says.
  const bool post_norm = model.objective == ObjectiveKind::data2vec2;
  return {real(model.dim), real(model.heads), std::round(model.mlp_ratio * real(model.dim)),
          post_norm && fused(model), keeps_softmax(model)};
}

// One transformer block over `rows` tokens that attend to each other.
Work block(double rows, const BlockShape& s) {
  const double matrices = 4 * s.dim * s.dim + 2 * s.dim * s.ffn;
  const double kept = s.fused ? 7 * s.dim + s.ffn : 10 * s.dim + 2 * s.ffn;
  return {
      .flops = 2 * rows * matrices + 4 * rows * rows * s.dim,
      .kept = rows * (kept + (s.softmax ? s.heads * rows : 0)),
      .skipped = 0,
      // Without the softmax the backward makes the logits again, tile by tile and in the library's attention.
      .recomputed = s.softmax ? 0 : 2 * rows * rows * s.dim};
}

Work local_encoder(const Config& config, const SampleTokens& tokens) {
  const double dim = real(config.model.dim), positions = real(tokens.plan.grid.positions());
  if (config.model.modality == Modality::text) return {0, 2 * positions * dim};  // a table and a norm
  if (on_grid(config.model.modality)) return linear(positions, real(patch_grid(config).values()), dim);
  Work out;
  double channels = 1, frames = real(tokens.inputs);
  for (const ConvLayer& layer : parse_conv_layers(config.speech.conv_layers)) {
    frames = std::floor((frames - real(layer.kernel)) / real(layer.stride)) + 1;
    out += convolution(frames, channels, 1, real(layer.kernel), real(layer.channels));
    channels = real(layer.channels);
  }
  out += {0, frames * channels};  // the norm in front of the projection
  out += linear(frames, channels, dim);
  return out;
}

// The relative positional encoder of speech.
Work positional_encoder(const Config& config, const SampleTokens& tokens) {
  if (config.model.modality != Modality::speech) return {};
  const SpeechConfig& speech = config.speech;
  const double dim = real(config.model.dim);
  const double kernel = real(std::max<int64_t>(3, speech.positions_width / speech.positions_depth));
  return convolution(real(tokens.plan.grid.positions()), dim, real(speech.positions_groups), kernel, dim) *
         real(speech.positions_depth);
}

Work conv_decoder(const Config& config, const SampleTokens& tokens) {
  const DecoderConfig& decoder = config.decoder;
  const double dim = real(config.model.dim), width = real(decoder.dim), kernel = real(decoder.kernel);
  const double window = on_grid(config.model.modality) ? kernel * kernel : kernel;
  const double positions = real(tokens.plan.grid.positions()), masked = real(tokens.plan.masked);
  Work out{0, positions * dim};
  for (int64_t i = 0; i < decoder.layers; ++i) {
    const double in = i == 0 ? dim : width, groups = real(decoder.groups);
    // Without groups the last layer of a 1-D decoder is made only where the loss looks.
    const bool last = !on_grid(config.model.modality) && decoder.groups == 1 && i + 1 == decoder.layers;
    out += convolution(last ? masked : positions, in, groups, window, width);
    if (last) out.skipped += convolution(positions - masked, in, groups, window, width).flops;
  }
  double in = width;
  for (int64_t i = 0; i < decoder.projection_layers; ++i) {
    const bool last = i + 1 == decoder.projection_layers;
    const double rows = last ? dim : i == 0 ? std::floor(in * decoder.projection_ratio) : in;
    out += linear(masked, in, rows);
    out.skipped += linear(positions - masked, in, rows).flops;  // the reference projects every position
    in = rows;
  }
  return out;
}

Work mae_decoder(const Config& config, const SampleTokens& tokens) {
  const double width = real(config.mae.decoder_dim), rows = real(1 + tokens.plan.grid.positions());
  const BlockShape shape{width, real(config.mae.decoder_heads), std::round(config.model.mlp_ratio * width),
                         false, false};
  Work out = linear(real(tokens.student), real(config.model.dim), width);
  out += block(rows, shape) * real(config.mae.decoder_depth);
  const double values = real(patch_grid(config.image).values()), masked = real(tokens.plan.masked);
  out += linear(masked, width, values);
  out.skipped += linear(rows - masked, width, values).flops;  // as above, the CLS row too
  return out;
}

// The regression head of data2vec 1.
Work head(const Config& config, const SampleTokens& tokens) {
  const double dim = real(config.model.dim), rows = real(tokens.plan.masked);
  if (config.model.modality == Modality::speech) return linear(rows, dim, dim);
  if (config.model.modality == Modality::image)
    return config.data2vec1.image_head ? linear(rows, dim, dim) : Work{};
  Work out;
  for (int64_t i = 0; i < config.data2vec1.text_head_layers; ++i)
    out += linear(rows, i == 0 ? dim : 2 * dim, i + 1 == config.data2vec1.text_head_layers ? dim : 2 * dim);
  return out;
}

MaskGrid grid_of(const Config& config, int64_t& inputs) {
  switch (config.model.modality) {
    case Modality::image:
      inputs = config.image.size;
      return image_grid(config.image);
    case Modality::spectrogram:
      inputs = config.spectrogram.frames;
      return mask_grid(patch_grid(config.spectrogram));
    case Modality::speech: {
      inputs = std::llround(config.speech.max_seconds * real(config.speech.sample_rate));
      const int64_t frames = conv_frames(parse_conv_layers(config.speech.conv_layers), inputs);
      check<UsageError>(
          frames > 0,
          "speech.max_seconds = {} is shorter than one frame of speech.conv_layers: make it longer",
          config.speech.max_seconds);
      return sequence_grid(frames);
    }
    case Modality::text:
      inputs = config.text.block;
      return sequence_grid(config.text.block);
  }
  fail("no such modality");
}

}  // namespace

SampleTokens sample_tokens(const Config& config) {
  SampleTokens out;
  const MaskGrid grid = grid_of(config, out.inputs);
  out.plan = plan_masks(config.mask, grid);
  out.clones = config.mask.clones;
  const ObjectiveKind objective = config.model.objective;
  if (objective == ObjectiveKind::data2vec2) out.extra = config.model.extra_tokens;
  if (objective == ObjectiveKind::data2vec1) out.extra = config.model.modality == Modality::image ? 1 : 0;
  if (objective == ObjectiveKind::mae) out.extra = 1;
  out.student = out.extra + (objective == ObjectiveKind::data2vec1 ? grid.positions() : out.plan.visible);
  out.teacher = objective == ObjectiveKind::mae ? 0 : out.extra + grid.positions();
  return out;
}

int64_t samples_per_update(const Config& config) {
  if (config.model.modality != Modality::speech || config.speech.batch_seconds == 0) return config.data.batch;
  return std::max<int64_t>(1, static_cast<int64_t>(config.speech.batch_seconds / config.speech.max_seconds));
}

std::vector<PartCost> sample_costs(const Config& config) {
  const SampleTokens tokens = sample_tokens(config);
  const ModelConfig& model = config.model;
  const bool two = model.objective == ObjectiveKind::data2vec2, mae = model.objective == ObjectiveKind::mae;
  const double clones = real(tokens.clones), depth = real(model.depth + (two ? model.prenet_depth : 0));
  const BlockShape shape = shape_of(model);
  std::vector<PartCost> out;
  const auto add = [&out](const char* part, const Work& work, bool trained) {
    if (work.flops > 0 || (trained && work.kept > 0))
      out.push_back(
          {part, work.flops, trained, trained ? work.kept : 0, work.skipped, trained ? work.recomputed : 0});
  };
  const Work local = local_encoder(config, tokens), positions = positional_encoder(config, tokens);
  add("local encoder", local, true);
  add("positions", positions * clones, true);
  add("student", block(real(tokens.student), shape) * (depth * clones), true);
  if (two) add("decoder", conv_decoder(config, tokens) * clones, true);
  if (mae) add("decoder", mae_decoder(config, tokens) * clones, true);
  if (model.objective == ObjectiveKind::data2vec1) add("head", head(config, tokens), true);
  if (tokens.teacher == 0) return out;
  if (two && config.ema.local_encoder && !config.ema.encoder_only)
    add("teacher's local encoder", local, false);
  add("teacher's positions", positions, false);
  add("teacher", block(real(tokens.teacher), shape) * depth, false);
  return out;
}

double training_flops(const PartCost& cost) { return cost.trained ? 3 * cost.forward : cost.forward; }

double nominal_flops(const PartCost& cost) {
  return training_flops(cost) + (cost.trained ? 3 : 1) * cost.skipped;
}

double executed_flops(const PartCost& cost) { return training_flops(cost) + cost.recomputed; }

}  // namespace d2v
