// The strided convolutions that turn a waveform into frames (wav2vec 2.0, arXiv 2006.11477; section 8 of the method).
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/conv_layers.h"
#include "d2v/nn/block.h"

namespace d2v {

struct ConvFeatureWeights {
  std::vector<at::Tensor> conv;   // per layer (C, C_in, k), no bias
  std::vector<NormWeights> norm;  // over channels, affine, eps 1e-5
};

// Declares <prefix><i>.0.weight (Kaiming-normal) and <prefix><i>.2.1.{weight,bias}.
void declare_conv_features(std::vector<Parameter>& out, const std::string& prefix,
                           const std::vector<ConvLayer>& layers, TeacherRule teacher);

// Each layer with `mean` starts as a mean over its kernel: weight[c, i, j] = 8 (w[c, i] - mean over i of w[c, :]), with w =
// the drawn tap 0. With independent taps, a fresh extractor's neighbouring frames have nothing in common (correlation .02,
// not .6), and masked ones can be predicted from positions only. Less the mean over i, GELU's mean does not drown the rest.
// The 8 is invisible behind LayerNorm, but makes Adam's steps as much smaller for these weights: they outlive the warm-up.
void average_taps(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix,
                  const std::vector<ConvLayer>& layers);

ConvFeatureWeights conv_feature_weights(const Weights& weights, const std::vector<ConvLayer>& layers);

// waveform (B, samples) float32 → frames (B, T, C), T = conv_frames(layers, samples), in the weights' type. A frame
// reads the samples under its kernels alone, so valid frames of a padded recording are those of the recording.
// Throws DataError where the waveform is too short for one frame.
at::Tensor conv_features(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                         const at::Tensor& waveform);

// The same, operation by operation: for what fused_conv_layer.h does not cover, and as its test oracle.
at::Tensor plain_conv_features(const ConvFeatureWeights& weights, const std::vector<ConvLayer>& layers,
                               const at::Tensor& waveform);

}  // namespace d2v
