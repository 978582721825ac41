// One element of AdamW and of the EMA step, and the figures of a step that its elements share (section 5 of the
// method). The optimizer's loops on the host and its CUDA kernels are made of these.
#pragma once

#include <cmath>
#include <cstdint>

#include "d2v/base/host_device.h"

namespace d2v {

// Factors of one AdamW step, with the step count's bias corrections folded in.
struct AdamFactors {
  float scale;         // of the gradient: 1 / sample_size and clipping
  float beta1, rest1;  // β1, 1 - β1
  float beta2, rest2;
  float keep;  // 1 - lr · weight decay
  float step;  // of m / (√v · root + eps)
  float root;
  float eps;
};

// What the factors are made from.
struct AdamPlan {
  double lr, beta1, beta2, eps, weight_decay;
  double gradient_scale;  // 1 / sample_size
  double clip_norm;       // 0: no clipping
  bool reference;         // eps_mode: eps is not divided by the bias correction
};

// min(1, limit / (norm + 1e-6)); 1 where there is no limit.
D2V_HOST_DEVICE double clip_factor(double norm, double limit) {
  if (!(limit > 0)) return 1;
  const double factor = limit / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

// Of step t, from 1 up.
D2V_HOST_DEVICE AdamFactors adam_factors(const AdamPlan& plan, double clip, int64_t t) {
  const double correction1 = 1 - std::pow(plan.beta1, static_cast<double>(t));
  const double correction2 = std::sqrt(1 - std::pow(plan.beta2, static_cast<double>(t)));
  AdamFactors f;
  f.scale = static_cast<float>(plan.gradient_scale * clip);
  f.beta1 = static_cast<float>(plan.beta1);
  f.rest1 = static_cast<float>(1 - plan.beta1);
  f.beta2 = static_cast<float>(plan.beta2);
  f.rest2 = static_cast<float>(1 - plan.beta2);
  f.keep = static_cast<float>(1 - plan.lr * plan.weight_decay);
  f.step = static_cast<float>(plan.lr / correction1 * (plan.reference ? correction2 : 1));
  f.root = static_cast<float>(plan.reference ? 1 : 1 / correction2);
  f.eps = static_cast<float>(plan.eps);
  return f;
}

D2V_HOST_DEVICE void adam_element(float& p, float gradient, float& m, float& v, const AdamFactors& f) {
  // The smallest normal number only matters at eps = 0 and v = 0, where 0/0 would poison the weight.
  constexpr float tiny = 1.17549435e-38f;
  const float g = gradient * f.scale;
  m = f.beta1 * m + f.rest1 * g;
  v = f.beta2 * v + f.rest2 * g * g;
#if defined(__CUDA_ARCH__)
  const float root = sqrtf(v);
#else
  const float root = __builtin_sqrtf(v);
#endif
  p = p * f.keep - f.step * m / (root * f.root + f.eps + tiny);
}

// θ' ← θ' + blend·(θ - θ'), blend = 1 - τ.
D2V_HOST_DEVICE void average_element(float& teacher, float p, float blend) {
  teacher += blend * (p - teacher);
}

}  // namespace d2v
