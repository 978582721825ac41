// The loops of the optimizer step over raw memory. Compiled without LibTorch, once per instruction set; the one for
// this processor is chosen when the program starts.
#pragma once

#include <cstdint>

#include "d2v/cuda/adam.h"

namespace d2v {

// In double, in an order of additions that does not depend on the instruction set.
double sum_of_squares(const float* x, int64_t count);

// m ← β1·m + (1-β1)·g;  v ← β2·v + (1-β2)·g²;  p ← keep·p - step·m / (root·√v + eps), g being gradient · scale.
void adam_update(float* p, const float* gradient, float* m, float* v, const AdamFactors& factors,
                 int64_t count);

// teacher ← teacher + blend·(p - teacher). This form has the right fixed point although blend = 1-τ is rounded;
// τ·θ' + (1-τ)·θ with both rounded drifts.
void average_update(float* teacher, const float* p, float blend, int64_t count);

}  // namespace d2v
