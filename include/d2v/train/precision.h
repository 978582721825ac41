// Which number format matrix products use on this machine.
#pragma once

#include "d2v/base/config/training.h"

namespace d2v {

// auto becomes bf16 where products of bf16 are native (AVX-512 BF16; every GPU that the kernels are compiled for), else
// fp32; others stay.
Precision resolve_precision(Precision wanted, bool on_gpu = false);

}  // namespace d2v
