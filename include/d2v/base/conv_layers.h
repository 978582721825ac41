// The strided convolutions of the speech feature extractor, and the number of frames they leave.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace d2v {

struct ConvLayer {
  int64_t channels = 0;
  int64_t kernel = 0;
  int64_t stride = 0;
  bool mean = false;  // starts as a mean over its kernel's samples (average_taps in conv_features.h)
  bool operator==(const ConvLayer&) const = default;
};

// "512:10:5, 512:3:2 x4" → five layers; with ":mean" after the stride, layers that start as means, which the first one
// cannot. Throws UsageError that quotes the part it cannot read.
std::vector<ConvLayer> parse_conv_layers(std::string_view text);

// Frames T left of `samples` without padding: floor((n - kernel) / stride) + 1 per layer; 0 where too short.
int64_t conv_frames(const std::vector<ConvLayer>& layers, int64_t samples);

// Fewest samples that give `frames` frames; frames > 0.
int64_t conv_samples(const std::vector<ConvLayer>& layers, int64_t frames);

}  // namespace d2v
