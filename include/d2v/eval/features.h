// Frozen features of pictures: pooled block outputs of a network, or the pixels themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/model/objective.h"

namespace d2v {

// Consecutive pictures of a set: pixels (b, C, H, W) float32, normalised as for training; `rows` says which pictures of
// the set they are, increasing. Both are valid during the call only.
using UsePictures = std::function<void(const std::vector<int64_t>& rows, const at::Tensor& pixels)>;

// A set of pictures as a stream of batches, always in the same order. Pictures that cannot be read are left out.
struct Pictures {
  at::Tensor labels;  // (n) int64, classes from 0
  std::function<void(const UsePictures& use)> each_batch;
  int64_t size() const { return labels.size(0); }
};

enum class Pooling {
  mean,  // over the patches, without extra tokens
  cls,   // the last extra token
  all,   // no pooling: every token, extra ones first
};

// Blocks by number, from 1; prenet blocks come first. "last", "middle+last" (middle = half of the blocks, rounded up),
// "3", "3+6". Throws UsageError where a block does not exist or the text is none of these.
std::vector<int64_t> parse_layers(const std::string& text, int64_t blocks);
std::string layers_text(const std::vector<int64_t>& layers);  // "6+12"

// (b, layers, D) for mean and cls, (b, layers, E+T, D) for all; float32. Throws UsageError for cls without extra tokens.
at::Tensor pooled_layers(const Features& features, const std::vector<int64_t>& layers, Pooling pooling);

// One way to turn pixels (b, C, H, W) into features (b, layers, d).
struct FeatureSource {
  std::string name;
  std::function<at::Tensor(const at::Tensor& pixels)> compute;
};

FeatureSource network_features(std::string name, Objective& objective, Network which,
                               std::vector<int64_t> layers, Pooling pooling);

// The pixels in a row, (b, 1, C·H·W). Pictures with more than 64 pixels a side are first averaged over the smallest
// squares that bring them to 64 or less; pixel_side gives the side that is left.
FeatureSource raw_pixels(std::string name);
int64_t pixel_side(int64_t image_size);

struct SourceFeatures {
  at::Tensor values;   // (m, layers, d) float32
  double seconds = 0;  // spent in `compute`
};

struct ExtractedFeatures {
  at::Tensor rows;                      // (m) int64: the pictures that could be read
  std::vector<SourceFeatures> sources;  // in the order asked for
};

// All sources in one pass over the pictures, without gradients. Throws DataError where a feature is not finite or no
// picture could be read.
ExtractedFeatures extract(const Pictures& pictures, const std::vector<FeatureSource>& sources);

}  // namespace d2v
