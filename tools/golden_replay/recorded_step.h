// One training step on a case's recorded inputs, masks and noise.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/model/objective.h"
#include "golden_case.h"

namespace d2v::golden {

struct RecordedStep {
  std::vector<std::string> order;            // stages in the order of the computation
  std::map<std::string, at::Tensor> stages;  // "stage.<name>"
  StepOutput output;                         // sums over the slices
};

// Forward and backward of step `step` (from 0); gradients start at 0. Rows of data2vec 1 have different numbers of
// masked positions; each is then a slice of its own, and stages are joined along the first dimension.
RecordedStep run_step(const Case& recorded, Objective& objective, int64_t step);

}  // namespace d2v::golden
