#include "resize_taps.h"

#include <algorithm>
#include <cmath>

namespace d2v {
namespace {

// Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

}  // namespace

Taps bicubic_taps(int64_t in, int64_t out, int64_t first, int64_t count) {
  return bicubic_taps(in, 0, static_cast<double>(in), out, first, count);
}

Taps bicubic_taps(int64_t in, double begin, double extent, int64_t out, int64_t first, int64_t count) {
  const double scale = extent / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  const double inverse = 1.0 / stretch;
  Taps taps;
  taps.width = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(count);
  taps.used.resize(count);
  taps.weights.assign(static_cast<size_t>(count * taps.width), 0);
  std::vector<double> weights(taps.width);
  for (int64_t i = 0; i < count; ++i) {
    const double center = begin + (static_cast<double>(first + i) + 0.5) * scale;
    const int64_t low = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t high = std::min<int64_t>(static_cast<int64_t>(center + support + 0.5), in);
    double sum = 0;
    for (int64_t x = low; x < high; ++x) {
      weights[x - low] = cubic((static_cast<double>(x) - center + 0.5) * inverse);
      sum += weights[x - low];
    }
    taps.first[i] = low;
    taps.used[i] = high - low;
    for (int64_t x = 0; x < high - low; ++x) {
      const double weight = (sum != 0 ? weights[x] / sum : weights[x]) * (1 << kWeightBits);
      taps.weights[i * taps.width + x] = static_cast<int32_t>(weight + (weight < 0 ? -0.5 : 0.5));
    }
  }
  return taps;
}

}  // namespace d2v
