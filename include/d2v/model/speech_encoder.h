// Local encoder of speech: convolutions over the waveform, then a projection to the model's width (section 1 of the
// method; published sizes in section 8).
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/nn/conv_features.h"

namespace d2v {

// Where its parameters are called what: data2vec 2 and data2vec 1 differ.
struct SpeechNames {
  std::string convolutions;     // "local_encoder.conv_layers."
  std::string projection_norm;  // "project_features.1"
  std::string projection;       // "project_features.2"
};

struct SpeechWeights {
  std::vector<ConvLayer> layers;
  ConvFeatureWeights convolutions;
  NormWeights projection_norm;                    // eps 1e-5
  at::Tensor projection_weight, projection_bias;  // (D, C), (D)
};

// The projection starts with the framework's default. Throws UsageError where speech.conv_layers cannot be read.
void declare_speech_encoder(std::vector<Parameter>& out, const SpeechNames& names, const SpeechConfig& config,
                            int64_t dim, TeacherRule teacher);
SpeechWeights speech_weights(const Weights& weights, const SpeechNames& names, const SpeechConfig& config);

// waveform (B, samples) → frames (B, T, D). The gradient that enters the convolutions is multiplied by `grad_mult`;
// that of the projection is not.
at::Tensor speech_features(const SpeechWeights& weights, const at::Tensor& waveform, double grad_mult);

}  // namespace d2v
