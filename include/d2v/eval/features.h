// Frozen features of samples of any modality: pooled block outputs of a network, or simpler ones (simple_features.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/eval/standardize.h"
#include "d2v/model/objective.h"

namespace d2v {

// Consecutive samples of a set. Valid during the call only.
struct SampleBatch {
  std::vector<int64_t> rows;  // (b) which samples of the set they are, increasing
  // Pixels (b, C, H, W), spectrograms (b, 1, frames, bins) or sound (b, samples), float32, normalised as for training; or
  // tokens (b, T) int64.
  at::Tensor input;
  at::Tensor lengths{};            // (b) int64, valid positions; undefined where nothing is padded
  std::vector<int64_t> extents{};  // sound and tokens: (b) valid columns of `input`; spectrograms: frames
  std::vector<std::string_view> texts{};  // texts: (b) as they were read
};
using UseSamples = std::function<void(const SampleBatch& batch)>;

// A set of samples as a stream of batches, always in the same order. Samples that cannot be read are left out.
struct Samples {
  at::Tensor labels;  // (n) int64, classes from 0
  std::function<void(const UseSamples& use)> each_batch;
  std::string word = "pictures";  // what they are called; "recordings", "texts"
  int64_t size() const { return labels.size(0); }
};

enum class Pooling {
  mean,  // over the valid positions (patches, frames, tokens), without extra tokens
  cls,   // the last extra token
  all,   // no pooling: every token, extra ones first
};

// Blocks by number, from 1; prenet blocks come first. "last", "middle+last" (middle = half of the blocks, rounded up),
// "3", "3+6". Throws UsageError where a block does not exist or the text is none of these.
std::vector<int64_t> parse_layers(const std::string& text, int64_t blocks);
std::string layers_text(const std::vector<int64_t>& layers);  // "6+12"

// (b, layers, D) for mean and cls, (b, layers, E+T, D) for all; float32. Throws UsageError for cls without extra tokens.
// lengths: as in SampleBatch; positions from there on leave no trace in the mean.
at::Tensor pooled_layers(const Features& features, const std::vector<int64_t>& layers, Pooling pooling,
                         const at::Tensor& lengths = {});

// One way to turn samples into features (b, layers, d).
struct FeatureSource {
  std::string name;
  std::function<at::Tensor(const SampleBatch& batch)> compute;
  ChannelScale scale = ChannelScale::each;  // for the classifiers
};

FeatureSource network_features(std::string name, Objective& objective, Network which,
                               std::vector<int64_t> layers, Pooling pooling);

struct SourceFeatures {
  at::Tensor values;   // (m, layers, d) float32
  double seconds = 0;  // spent in `compute`
};

struct ExtractedFeatures {
  at::Tensor rows;                      // (m) int64: the samples that could be read
  std::vector<SourceFeatures> sources;  // in the order asked for
};

// All sources in one pass over the samples, without gradients. Throws DataError where a feature is not finite or no
// sample could be read.
ExtractedFeatures extract(const Samples& samples, const std::vector<FeatureSource>& sources);

}  // namespace d2v
