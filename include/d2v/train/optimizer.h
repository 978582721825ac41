// AdamW, EMA of the teacher and the global gradient norm, over flat arenas (section 5 of the method).
//
// One parallel pass reads gradient, weight, both moments and teacher once and writes all but the gradient. Results
// do not depend on the number of threads: work is cut into fixed chunks and every element is computed alone.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/training.h"
#include "d2v/nn/parameters.h"

namespace d2v {

// Flat fp32 arenas of one layout, all on one device. `teacher` may be undefined; otherwise it has layout.teacher_size() elements,
// the others layout.size().
struct OptimizerArenas {
  at::Tensor weights;
  at::Tensor gradients;
  at::Tensor teacher;
};

// Adam's moments and its own count of steps: an update that was skipped is not one of them.
struct AdamState {
  explicit AdamState(const ParameterLayout& layout, at::Device device = at::kCPU);
  at::Tensor first;   // m, flat fp32
  at::Tensor second;  // v, flat fp32
  int64_t steps = 0;
  // Where the moments are on a GPU, the count is there too, (1) int64, and `steps` is not kept up: the host does not
  // wait to hear whether a step was skipped. Undefined on the CPU.
  at::Tensor device_steps;
};
// The count, wherever it is kept. On a GPU it waits for the device.
int64_t steps_of(const AdamState& state);
void set_steps(AdamState& state, int64_t steps);

struct StepSettings {
  double lr = 0;
  double ema_decay = 1;       // τ of the new update number; at 1 the teacher is left alone
  double gradient_scale = 1;  // 1 / sample_size: the arena holds gradients of the sum of the losses
};

struct StepReport {
  double gradient_norm = 0;  // after the normalisation, before the clipping
  double clip_factor = 1;    // min(1, clip_norm / (norm + 1e-6))
  bool skipped = false;      // the norm was not finite: weights, moments and teacher are untouched
  // On a GPU the three, (3) float64, not read yet: see settled(). Undefined on the CPU, where they are known at once.
  at::Tensor pending;
};
// The report with its figures; on a GPU it waits for the device.
StepReport settled(StepReport report);

// sqrt of the sum of squares of the trainable parameters' gradients, in double.
double gradient_norm(const ParameterLayout& layout, const at::Tensor& gradients);

// One optimizer step and the EMA step after it.
//   reference: p ← p - lr·wd·p;  p ← p - lr·√(1-β2ᵗ)/(1-β1ᵗ)·m/(√v + eps)
//   framework: p ← p - lr·wd·p;  p ← p - lr/(1-β1ᵗ)·m/(√v/√(1-β2ᵗ) + eps)
// Teacher: averaged θ' ← θ' + (1-τ)(θ-θ'), copied θ' ← θ. Parameters that are not trainable keep their values.
// Throws Error where an arena does not fit the layout.
StepReport optimizer_step(const ParameterLayout& layout, const OptimConfig& config,
                          const StepSettings& settings, const OptimizerArenas& arenas, AdamState& state);

}  // namespace d2v
