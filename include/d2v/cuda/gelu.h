// GELU by the error function, to float accuracy, and its slope: the scalar form of the vector kernels' formula
// (src/nn/row_kernels-inl.h).
#pragma once

#include <cmath>

#include "d2v/base/host_device.h"

namespace d2v {

// Φ(x), and exp(-x²/2) in `bell`. Φ(-|x|) = bell·R(|x|); R is the Mills ratio over √(2π), a polynomial in
// s = 1/(1 + 0.31·|x|) whose coefficients are a minimax fit over [0, 40] with relative error 1.2e-8.
D2V_HOST_DEVICE float normal_distribution(float x, float& bell) {
  bell = std::exp(x * x * -0.5f);
  const float s = 1 / (std::fabs(x) * 0.31f + 1);
  float sum = -0.02085832012f;
  sum = sum * s + 0.1035994114f;
  sum = sum * s - 0.1841179675f;
  sum = sum * s + 0.1192498987f;
  sum = sum * s - 0.03440408206f;
  sum = sum * s + 0.07202530384f;
  sum = sum * s + 0.085071209f;
  sum = sum * s + 0.1121088697f;
  sum = sum * s + 0.123653104f;
  sum = sum * s + 0.1236725672f;
  const float tail = bell * (sum * s);
  return x < 0 ? tail : 1 - tail;
}

D2V_HOST_DEVICE float gelu(float x) {
  float bell;
  return x * normal_distribution(x, bell);
}

D2V_HOST_DEVICE float gelu_slope(float x) {
  float bell;
  const float below = normal_distribution(x, bell);
  return below + x * (bell * 0.3989422804014327f);  // 1/√(2π)
}

}  // namespace d2v
