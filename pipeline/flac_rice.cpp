#include "flac_rice.h"

namespace d2v {
namespace {

[[gnu::always_inline]] inline void rice_with(FlacBits& bits, int parameter, int32_t* out, int64_t count) {
  if (parameter <= 10) {
    bits.take_rice<3>(parameter, out, count);
  } else {
    bits.take_rice<2>(parameter, out, count);
  }
}

void rice_plain(FlacBits& bits, int parameter, int32_t* out, int64_t count) {
  rice_with(bits, parameter, out, count);
}

#if defined(__x86_64__)
// Counting zeros and shifting by any number are one step each there.
[[gnu::target("bmi,bmi2,lzcnt")]] void rice_bmi(FlacBits& bits, int parameter, int32_t* out, int64_t count) {
  rice_with(bits, parameter, out, count);
}
#endif

}  // namespace

void take_rice(FlacBits& bits, int parameter, int32_t* out, int64_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("bmi2")) return rice_bmi(bits, parameter, out, count);
#endif
  rice_plain(bits, parameter, out, count);
}

}  // namespace d2v
