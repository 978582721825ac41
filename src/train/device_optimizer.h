// The optimizer's step on a GPU: three kernels, and nothing that the host waits for.
#pragma once

#include <vector>

#include "d2v/cuda/kernels.h"
#include "d2v/train/optimizer.h"

namespace d2v {

// sqrt of the sum of squares over the chunks' trainable gradients; waits for the device.
double device_gradient_norm(const std::vector<AdamChunk>& chunks, const at::Tensor& gradients);

// As optimizer_step. The report's figures are pending; the count of steps stays on the device.
StepReport device_step(const std::vector<AdamChunk>& chunks, const AdamPlan& plan, double ema_decay,
                       const OptimizerArenas& arenas, AdamState& state);

}  // namespace d2v
