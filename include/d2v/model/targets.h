// Contextualised targets: the normalised average of the teacher's last K layers (section 3 of the method).
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"

namespace d2v {

// layers: results of all shared blocks, (B, T, D) each, extra tokens removed; the last K are used.
// → (B, T, D) float32 without gradients. Norms have no affine part and eps 1e-5; variances are biased.
// `valid` (B, T) bool, undefined where nothing is padded: with config.norm_over = valid, instance and batch norms leave
// padded positions out, and the targets there are 0; with `all` they count as any other, as in the reference.
at::Tensor make_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config,
                        const at::Tensor& valid = {});

}  // namespace d2v
