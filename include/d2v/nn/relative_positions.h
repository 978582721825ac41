// The convolutional relative positional encoder of speech (section 1, step 3 of the method).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/modality.h"
#include "d2v/nn/weights.h"

namespace d2v {

struct RelativePositionWeights {
  std::vector<at::Tensor> weight, bias;  // per layer (D, D / groups, k), (D)
  int64_t groups = 1;
};

// Declares <prefix><first + i>.0.{weight,bias}: data2vec 2 counts layers from 1, data2vec 1 from 0.
// Throws UsageError where the groups do not divide the width.
void declare_relative_positions(std::vector<Parameter>& out, const std::string& prefix, int64_t first,
                                const SpeechConfig& config, int64_t dim, TeacherRule teacher);
RelativePositionWeights relative_position_weights(const Weights& weights, int64_t first,
                                                  const SpeechConfig& config);

// x (R, T, D) → what is added to it, (R, T, D). Where `valid` (R, T) is given, the input of every convolution is zero
// at padded positions.
at::Tensor relative_positions(const RelativePositionWeights& weights, const at::Tensor& x,
                              const at::Tensor& valid);

}  // namespace d2v
