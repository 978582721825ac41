#include "d2v/train/precision.h"

namespace d2v {

Precision resolve_precision(Precision wanted, bool on_gpu) {
  if (wanted != Precision::automatic) return wanted;
  if (on_gpu) return Precision::bf16;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return Precision::bf16;
#endif
  return Precision::fp32;
}

}  // namespace d2v
