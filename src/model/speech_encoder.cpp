#include "d2v/model/speech_encoder.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/rows.h"

namespace d2v {

void declare_speech_encoder(std::vector<Parameter>& out, const SpeechNames& names, const SpeechConfig& config,
                            int64_t dim, TeacherRule teacher) {
  const std::vector<ConvLayer> layers = parse_conv_layers(config.conv_layers);
  const int64_t channels = layers.back().channels;
  declare_conv_features(out, names.convolutions, layers, teacher);
  declare_norm(out, names.projection_norm, channels, teacher);
  declare_default(out, names.projection, {dim, channels}, teacher);
}

SpeechWeights speech_weights(const Weights& weights, const SpeechNames& names, const SpeechConfig& config) {
  const std::vector<ConvLayer> layers = parse_conv_layers(config.conv_layers);
  return {layers, conv_feature_weights(weights.below(names.convolutions), layers),
          norm_weights(weights, names.projection_norm), weights[names.projection + ".weight"],
          weights[names.projection + ".bias"]};
}

at::Tensor speech_features(const SpeechWeights& weights, const at::Tensor& waveform, double grad_mult) {
  const at::Tensor frames =
      scale_gradient(conv_features(weights.convolutions, weights.layers, waveform), grad_mult);
  return at::linear(layer_norm(frames, weights.projection_norm, 1e-5), weights.projection_weight,
                    weights.projection_bias);
}

}  // namespace d2v
