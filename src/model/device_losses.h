// The masked loss, its gradient, targets and moments on a GPU.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/model/losses.h"

namespace d2v {

// As masked_loss, not differentiable; → 0-dim float32. The host learns nothing of it.
at::Tensor device_masked_loss(const at::Tensor& prediction, const at::Tensor& targets,
                              const at::Tensor& masked, const ElementLoss& loss);
// Its gradient for the predictions, times `upstream` (0-dim float32 on the device).
at::Tensor device_masked_loss_gradient(const at::Tensor& prediction, const at::Tensor& targets,
                                       const at::Tensor& masked, const ElementLoss& loss,
                                       const at::Tensor& upstream);

// As masked_moments and row_moments, by LibTorch's operations.
at::Tensor device_masked_moments(const at::Tensor& targets, const at::Tensor& masked);
at::Tensor device_row_moments(const at::Tensor& x);

// Whether the kernel covers these layers and norms (no padding that counts apart), and its result, as make_targets.
bool can_make_device_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config);
at::Tensor device_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config);

}  // namespace d2v
