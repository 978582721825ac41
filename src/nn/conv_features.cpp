#include "d2v/nn/conv_features.h"

#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/conv_1d.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/fused_conv_layer.h"

namespace d2v {

constexpr double kMeanScale = 8;

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

void average_taps(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix,
                  const std::vector<ConvLayer>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].mean) continue;
    at::Tensor weight = view_of(arena, layout.at(fmt::format("{}{}.0.weight", prefix, i)));
    const at::Tensor tap = weight.narrow(2, 0, 1).clone();
    weight.copy_((tap - tap.mean(1, /*keepdim=*/true)) * kMeanScale);
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

namespace {
// waveform (B, samples) → (B, samples, 1) in the weights' type.
at::Tensor as_tokens(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                     const at::Tensor& waveform) {
  check<DataError>(conv_frames(layers, waveform.size(1)) > 0,
                   "a waveform of {} samples is too short: one frame needs {}", waveform.size(1),
                   conv_samples(layers, 1));
  return waveform.to(weights.conv[0].scalar_type()).unsqueeze(-1);
}
}  // namespace

at::Tensor conv_features(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                         const at::Tensor& waveform) {
  at::Tensor x = as_tokens(weights, layers, waveform);
  for (size_t i = 0; i < layers.size(); ++i) {
    const FusedConvLayer layer{
        .weight = weights.conv[i], .bias = {}, .norm = weights.norm[i], .stride = layers[i].stride};
    if (!can_fuse(layer, x)) return plain_conv_features(weights, layers, waveform);
    x = fused_conv_layer(layer, x, {});
  }
  return x;
}

at::Tensor plain_conv_features(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                               const at::Tensor& waveform) {
  at::Tensor x = as_tokens(weights, layers, waveform);
  for (size_t i = 0; i < layers.size(); ++i) {
    x = convolve(x, weights.conv[i], {}, layers[i].stride, /*padding=*/0, /*groups=*/1);
    x = at::gelu(layer_norm(x, weights.norm[i], 1e-5));
  }
  return x;
}

}  // namespace d2v
