// Replays one recorded case: three training steps on the recorded inputs, masks and noise.
#pragma once

#include "compare.h"
#include "d2v/base/config.h"
#include "golden_case.h"

namespace d2v::golden {

// Stages, losses and gradients of step 1, the scalars of every step, weights and teacher after step 3.
Comparison replay(const Case& recorded, Precision precision, DeviceKind device = DeviceKind::cpu);

}  // namespace d2v::golden
