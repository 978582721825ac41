// The backward pass as seen by a PartClock: which part's gradients are being computed.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/base/part_clock.h"

namespace d2v {

// `x` is what `part` made: once the gradient of x is known, the clock enters that part's backward. Does nothing without
// a clock or where no gradients are recorded. The clock must outlive the backward pass. CPU only: there the backward
// pass runs in the thread that calls it, one operation after the other, the last ones of the forward pass first.
void made_by(PartClock* clock, StepPart part, const at::Tensor& x);

}  // namespace d2v
