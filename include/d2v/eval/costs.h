// What a training step costs: tokens, floating-point operations and activations of one sample, from the
// configuration alone (nothing is allocated, so that the largest recipes can be looked at anywhere).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/pipeline/masks.h"

namespace d2v {

// The tokens of one sample. Of speech: the longest one, speech.max_seconds.
struct SampleTokens {
  MaskPlan plan;        // T, V and T - V; of spans and bert the averages
  int64_t inputs = 0;   // pixels along a side, frames, audio samples, or tokens
  int64_t extra = 0;    // E: rows in front
  int64_t clones = 1;   // M
  int64_t student = 0;  // rows of each clone that the student's blocks see
  int64_t teacher = 0;  // rows of the teacher's; 0: no teacher
};
// Throws UsageError for mask settings that keep or hide nothing, and for speech too short for a frame.
SampleTokens sample_tokens(const Config& config);

// Samples of an update: data.batch, or how many of the longest recordings fill speech.batch_seconds.
int64_t samples_per_update(const Config& config);

// A part of the forward pass of one sample, all clones. A multiply-add counts as two operations; norms, activation
// functions, softmax and embeddings are left out.
struct PartCost {
  std::string part;       // "local encoder", "positions", "student", "decoder", "teacher", …
  double forward = 0;     // operations that are done
  bool trained = true;    // backward: twice the forward's operations, and activations are kept for it
  double kept = 0;        // activations kept until the backward, in elements
  double skipped = 0;     // operations of the forward pass that the reference does and this program does not
  double recomputed = 0;  // operations that the backward pass does a second time
};
std::vector<PartCost> sample_costs(const Config& config);

// With the backward of the parts that have one.
double training_flops(const PartCost& cost);

// Forward and backward as the reference computes them: with what is skipped here, without what is done twice.
double nominal_flops(const PartCost& cost);
// What is really computed: without what is skipped, with what is done twice.
double executed_flops(const PartCost& cost);

}  // namespace d2v
