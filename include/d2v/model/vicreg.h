// Remedies against collapse besides normalised targets: variance and covariance terms of VICReg (arXiv 2105.04906) on
// the predictions at masked positions (section 11 of the method).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/model/objective.h"

namespace d2v {

// rows (n, D), n > 1 → mean over channels of max(0, 1 - sqrt(unbiased variance + 1e-4)).
at::Tensor variance_hinge(const at::Tensor& rows);

// rows (n, D), n > 1 → (1/D) · sum of the squared off-diagonal elements of the sample covariance.
at::Tensor covariance_penalty(const at::Tensor& rows);

// total plus config.variance and config.covariance times these terms of the slice's predictions (R, n, D), times its
// sample size, so that after the division by the update's sample size every slice counts by its share. Parts
// "variance" and "covariance" are added to `out`. The total itself where both weights are 0.
at::Tensor add_collapse_remedies(at::Tensor total, const at::Tensor& prediction, const LossConfig& config,
                                 int64_t sample_size, StepOutput& out);

}  // namespace d2v
