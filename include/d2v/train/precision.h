// Which number format matrix products use on this machine.
#pragma once

#include "d2v/base/config/training.h"

namespace d2v {

// auto becomes bf16 where the processor multiplies bf16 natively (AVX-512 BF16), else fp32; others stay.
Precision resolve_precision(Precision wanted);

}  // namespace d2v
