// Small models of each modality and batches for them.
#pragma once

#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/conv_layers.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"

namespace d2v::test {

inline Config small_speech(int64_t prenet = 1) {
  Config config;
  config.model.modality = Modality::speech;
  config.model.dim = 32;
  config.model.heads = 4;
  config.model.prenet_depth = prenet;
  config.model.depth = 2;
  config.model.extra_tokens = 0;
  config.model.alibi = config.model.alibi_scale_learned = config.model.alibi_scale_per_head = true;
  config.speech.conv_layers = "12:10:5, 12:3:2";
  config.speech.positions_depth = 2;
  config.speech.positions_width = 10;
  config.speech.positions_groups = 4;
  config.speech.padding = Padding::exact;
  config.decoder.dim = 16;
  config.decoder.groups = 4;
  config.decoder.kernel = 5;
  config.decoder.layers = 2;
  config.target.layers = 2;
  config.target.final_norm = NormKind::none;
  config.loss.cls = 0;
  config.ema.local_encoder = false;
  return config;
}

inline Config small_text() {
  Config config = small_speech(0);
  config.model.modality = Modality::text;
  config.model.alibi = false;
  config.text.vocabulary_size = 50;
  config.text.block = config.text.max_positions = 32;
  config.decoder.groups = 1;
  config.decoder.residual = false;
  config.decoder.projection_layers = 2;
  config.ema.encoder_only = true;
  return config;
}

// M masks of `masked` positions each, drawn among the first `lengths[b]` of `positions`.
inline DeviceBatch masked_batch(const std::vector<int64_t>& lengths, int64_t positions, int64_t clones,
                                int64_t masked) {
  DeviceBatch batch;
  std::vector<at::Tensor> hidden, shown;
  for (size_t b = 0; b < lengths.size(); ++b) {
    for (int64_t m = 0; m < clones; ++m) {
      const at::Tensor order =
          at::cat({at::rand({lengths[b]}).argsort(), at::arange(lengths[b], positions, at::kLong)});
      hidden.push_back(std::get<0>(order.slice(0, 0, masked).sort()));
      shown.push_back(std::get<0>(order.slice(0, masked).sort()));
    }
    batch.refs.push_back({100 + b, 0});
  }
  const int64_t samples = static_cast<int64_t>(lengths.size());
  batch.masked = at::stack(hidden).view({samples, clones, -1});
  batch.visible = at::stack(shown).view({samples, clones, -1});
  batch.lengths = at::tensor(lengths, at::kLong);
  return batch;
}

// Recordings of the given numbers of frames, padded with zeros to the longest.
inline DeviceBatch speech_batch(const Config& config, const std::vector<int64_t>& frames, int64_t clones = 2,
                                int64_t masked = 5) {
  const std::vector<ConvLayer> layers = parse_conv_layers(config.speech.conv_layers);
  const int64_t longest = *std::max_element(frames.begin(), frames.end());
  DeviceBatch batch = masked_batch(frames, longest, clones, masked);
  batch.input = at::randn({static_cast<int64_t>(frames.size()), conv_samples(layers, longest)});
  for (size_t b = 0; b < frames.size(); ++b)
    batch.input[static_cast<int64_t>(b)].slice(0, conv_samples(layers, frames[b])).zero_();
  return batch;
}

// Rows of random tokens of the given lengths, filled up with the padding token.
inline DeviceBatch text_batch(const Config& config, const std::vector<int64_t>& lengths, int64_t clones = 2,
                              int64_t masked = 5) {
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  DeviceBatch batch = masked_batch(lengths, longest, clones, masked);
  batch.input =
      at::randint(4, config.text.vocabulary_size, {static_cast<int64_t>(lengths.size()), longest}, at::kLong);
  for (size_t b = 0; b < lengths.size(); ++b)
    batch.input[static_cast<int64_t>(b)].slice(0, lengths[b]).fill_(1);
  return batch;
}

// Sample b of the batch without its padding.
inline DeviceBatch alone(const Config& config, const DeviceBatch& batch, int64_t b) {
  const int64_t length = batch.lengths[b].item<int64_t>();
  int64_t end = length;
  if (config.model.modality == Modality::speech)
    end = conv_samples(parse_conv_layers(config.speech.conv_layers), length);
  DeviceBatch out;
  out.input = batch.input.slice(0, b, b + 1).slice(1, 0, end).contiguous();
  out.masked = batch.masked.slice(0, b, b + 1).contiguous();
  // Padded positions count as visible and stand last.
  out.visible = batch.visible.slice(0, b, b + 1).slice(2, 0, length - batch.masked.size(2)).contiguous();
  out.refs = {batch.refs[static_cast<size_t>(b)]};
  return out;
}

inline StepKey key_of(const DeviceBatch& batch, int64_t update = 1) {
  return {1, update, 0, batch.input.size(0), batch.masked.numel()};
}

// max |difference| / max |wanted|.
inline double error_of(const at::Tensor& have, const at::Tensor& want) {
  return ((have.detach() - want.detach()).abs().max() / want.detach().abs().max()).item<double>();
}

}  // namespace d2v::test
