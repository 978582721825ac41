// Lengths along time: of samples, of batches, of what the model makes of them. Private to the pipeline.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/base/conv_layers.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/masks.h"

namespace d2v {

// What of each sample is used at most: up to speech.max_seconds; all tokens of a block. Empty for pictures
// and spectrograms, which are all alike.
std::vector<int64_t> used_lengths(const Source& source, const LoaderSettings& settings);

// PlanSettings::batch_length: speech.batch_seconds; for text with document boundaries data.batch blocks; else 0.
int64_t batch_length(const Source& source, const LoaderSettings& settings);

// Whether slices are cut to their shortest sample; otherwise shorter samples are padded.
bool crops(const Source& source, const LoaderSettings& settings);

// The positions (patches, frames, tokens) of samples of one length, and what they take in Batch::input or tokens.
class SampleGeometry {
 public:
  SampleGeometry(Modality modality, const LoaderSettings& settings);
  MaskGrid grid(int64_t length) const;
  int64_t positions(int64_t length) const { return grid(length).positions(); }
  int64_t floats(int64_t length) const;  // per sample
  int64_t tokens(int64_t length) const;
  std::vector<int64_t> input_shape(int64_t samples, int64_t length) const;

 private:
  Modality modality_;
  PatchGrid patches_;  // of pictures and spectrograms
  std::vector<ConvLayer> layers_;
};

}  // namespace d2v
