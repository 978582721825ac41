#include "adam_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define D2V_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define D2V_CLONES
#endif

namespace d2v {

D2V_CLONES double sum_of_squares(const float* x, int64_t count) {
  double lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int j = 0; j < 8; ++j) {
      const double value = x[i + j];
      lanes[j] += value * value;
    }
  }
  for (int j = 0; i < count; ++i, ++j) lanes[j] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

D2V_CLONES void adam_update(float* __restrict p, const float* __restrict gradient, float* __restrict m,
                            float* __restrict v, const AdamFactors& factors, int64_t count) {
  const AdamFactors f = factors;
  for (int64_t i = 0; i < count; ++i) adam_element(p[i], gradient[i], m[i], v[i], f);
}

D2V_CLONES void average_update(float* __restrict teacher, const float* __restrict p, float blend,
                               int64_t count) {
  for (int64_t i = 0; i < count; ++i) average_element(teacher[i], p[i], blend);
}

}  // namespace d2v
