#include "d2v/nn/conv_features.h"

#include <cmath>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "d2v/nn/conv_1d.h"
#include "d2v/nn/declare.h"

namespace d2v {

void declare_conv_features(std::vector<Parameter>& out, const std::string& prefix,
                           const std::vector<ConvLayer>& layers, TeacherRule teacher) {
  int64_t in = 1;
  for (size_t i = 0; i < layers.size(); ++i) {
    const ConvLayer& layer = layers[i];
    const double kaiming = std::sqrt(2.0 / static_cast<double>(in * layer.kernel));
    out.push_back({fmt::format("{}{}.0.weight", prefix, i),
                   {layer.channels, in, layer.kernel},
                   Init::normal,
                   kaiming,
                   teacher});
    declare_norm(out, fmt::format("{}{}.2.1", prefix, i), layer.channels, teacher);
    in = layer.channels;
  }
}

ConvFeatureWeights conv_feature_weights(const Weights& weights, const std::vector<ConvLayer>& layers) {
  ConvFeatureWeights out;
  for (size_t i = 0; i < layers.size(); ++i) {
    out.conv.push_back(weights[fmt::format("{}.0.weight", i)]);
    out.norm.push_back(norm_weights(weights, fmt::format("{}.2.1", i)));
  }
  return out;
}

at::Tensor conv_features(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                         const at::Tensor& waveform) {
  check<DataError>(conv_frames(layers, waveform.size(1)) > 0,
                   "a waveform of {} samples is too short: one frame needs {}", waveform.size(1),
                   conv_samples(layers, 1));
  at::Tensor x = waveform.to(weights.conv[0].scalar_type()).unsqueeze(-1);  // (B, samples, 1)
  for (size_t i = 0; i < layers.size(); ++i) {
    x = convolve(x, weights.conv[i], {}, layers[i].stride, /*padding=*/0, /*groups=*/1);
    x = at::gelu(layer_norm(x, weights.norm[i], 1e-5));
  }
  return x;
}

}  // namespace d2v
