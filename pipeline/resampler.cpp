#include "d2v/pipeline/resampler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>

#include "d2v/base/check.h"

namespace d2v {
namespace {

constexpr double kAttenuation = 100;  // dB
constexpr double kPassband = 0.913;   // of the lower Nyquist frequency
constexpr int64_t kMaxPhases = 1024;  // linear interpolation between so many is wrong by less than -115 dB
constexpr int64_t kLanes = 32;

// Modified Bessel function of the first kind, order 0.
double bessel0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= x / 2 / k * (x / 2 / k);
    sum += term;
  }
  return sum;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

// A fixed number of partial sums, added in a fixed order: the same bits with any instruction set. Products are not fused
// into the sums, which none of the sets named below could do. Loops over vectors are unrolled for the vectors to stay in
// registers.
template <class Vector>
inline constexpr int64_t kVectors = kLanes * sizeof(float) / sizeof(Vector);

template <class Vector>
[[gnu::always_inline]] inline float sum_of(Vector* sums) {
  constexpr int64_t kSize = sizeof(Vector) / sizeof(float);
#pragma GCC unroll 8
  for (int64_t half = kVectors<Vector> / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int64_t v = 0; v < half; ++v) sums[v] += sums[v + half];
  }
  Vector lanes = sums[0];
#pragma GCC unroll 8
  for (int64_t half = kSize / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

template <class Vector>
[[gnu::always_inline]] inline void load(const float* from, Vector& to) {
  std::memcpy(&to, from, sizeof to);
}

template <class Vector>
[[gnu::always_inline]] inline float dot_with(const float* a, const float* b, int64_t count) {
  constexpr int64_t kSize = sizeof(Vector) / sizeof(float);
  Vector sums[kVectors<Vector>];
#pragma GCC unroll 8
  for (Vector& sum : sums) sum = Vector{};
  for (int64_t i = 0; i < count; i += kLanes) {
#pragma GCC unroll 8
    for (int64_t v = 0; v < kVectors<Vector>; ++v) {
      Vector x, y;
      load(a + i + v * kSize, x);
      load(b + i + v * kSize, y);
      sums[v] += x * y;
    }
  }
  return sum_of(sums);
}

// Four dots at once with the same row, which is then read once: of inputs `stride` apart, into outputs `out_stride` apart. Each
// has the bits of dot_with.
constexpr int64_t kOutputsTogether = 4;
template <class Vector>
[[gnu::always_inline]] inline void dots_with(const float* a, int64_t stride, const float* row, int64_t count,
                                             float* out, int64_t out_stride) {
  constexpr int64_t kSize = sizeof(Vector) / sizeof(float);
  Vector sums[kOutputsTogether][kVectors<Vector>];
#pragma GCC unroll 8
  for (int64_t v = 0; v < kVectors<Vector>;
       v += 2) {  // more sums at once than two by four do not fit the registers
    Vector low[kOutputsTogether], high[kOutputsTogether];
#pragma GCC unroll 4
    for (int64_t t = 0; t < kOutputsTogether; ++t) low[t] = high[t] = Vector{};
    for (int64_t i = v * kSize; i < count; i += kLanes) {
      Vector row_low, row_high;
      load(row + i, row_low);
      load(row + i + kSize, row_high);
#pragma GCC unroll 4
      for (int64_t t = 0; t < kOutputsTogether; ++t) {
        Vector x, y;
        load(a + t * stride + i, x);
        load(a + t * stride + i + kSize, y);
        low[t] += x * row_low;
        high[t] += y * row_high;
      }
    }
#pragma GCC unroll 4
    for (int64_t t = 0; t < kOutputsTogether; ++t) {
      sums[t][v] = low[t];
      sums[t][v + 1] = high[t];
    }
  }
#pragma GCC unroll 4
  for (int64_t t = 0; t < kOutputsTogether; ++t) out[t * out_stride] = sum_of(sums[t]);
}

using Four = float __attribute__((vector_size(16)));
float dot_plain(const float* a, const float* b, int64_t count) { return dot_with<Four>(a, b, count); }
void dots_plain(const float* a, int64_t stride, const float* row, int64_t count, float* out,
                int64_t out_stride) {
  dots_with<Four>(a, stride, row, count, out, out_stride);
}

#if defined(__x86_64__)
using Eight = float __attribute__((vector_size(32)));
[[gnu::target("avx2")]] float dot_avx2(const float* a, const float* b, int64_t count) {
  return dot_with<Eight>(a, b, count);
}
[[gnu::target("avx2")]] void dots_avx2(const float* a, int64_t stride, const float* row, int64_t count,
                                       float* out, int64_t out_stride) {
  dots_with<Eight>(a, stride, row, count, out, out_stride);
}
#endif

struct Dots {
  float (*one)(const float*, const float*, int64_t);
  void (*four)(const float*, int64_t, const float*, int64_t, float*, int64_t);
};
Dots best_dots() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return {dot_avx2, dots_avx2};
#endif
  return {dot_plain, dots_plain};
}

}  // namespace

Resampler::Resampler(int64_t in_rate, int64_t out_rate) {
  check(in_rate > 0 && out_rate > 0, "resampler: rates must be positive, found {} and {}", in_rate, out_rate);
  const int64_t common = std::gcd(in_rate, out_rate);
  up_ = out_rate / common;
  down_ = in_rate / common;
  if (up_ == down_) return;
  // A filter that is stretched over more inputs is as smooth with fewer phases: the table stays small at any rate. Exact
  // phases where both numbers are small, as of all usual rates.
  phases_ = std::min({up_, kMaxPhases, std::max<int64_t>(kMaxPhases * up_ / down_, 1)});
  // Frequencies in cycles per input sample.
  const double nyquist = 0.5 * std::min(1.0, static_cast<double>(up_) / static_cast<double>(down_));
  const double cutoff = nyquist * (1 + kPassband) / 2;
  const double width = 2 * std::numbers::pi * nyquist * (1 - kPassband);
  const double beta = 0.1102 * (kAttenuation - 8.7);  // Kaiser's formulas
  half_ = static_cast<int64_t>(std::ceil((kAttenuation - 8) / (2.285 * width) / 2));
  taps_ = (2 * half_ + kLanes - 1) / kLanes * kLanes;
  table_.assign(static_cast<size_t>((phases_ + 1) * taps_), 0);
  std::vector<double> row(static_cast<size_t>(2 * half_));
  for (int64_t phase = 0; phase <= phases_; ++phase) {
    double sum = 0;
    for (int64_t k = 0; k < 2 * half_; ++k) {
      const double at =
          static_cast<double>(k + 1 - half_) - static_cast<double>(phase) / static_cast<double>(phases_);
      const double edge = at / static_cast<double>(half_);
      const double window =
          std::abs(edge) >= 1 ? 0 : bessel0(beta * std::sqrt(1 - edge * edge)) / bessel0(beta);
      row[k] = sinc(2 * cutoff * at) * window;
      sum += row[k];
    }
    for (int64_t k = 0; k < 2 * half_; ++k) table_[phase * taps_ + k] = static_cast<float>(row[k] / sum);
  }
}

int64_t resampled_length(int64_t inputs, int64_t in_rate, int64_t out_rate) {
  return (inputs * out_rate + in_rate - 1) / in_rate;
}

int64_t Resampler::length(int64_t inputs) const { return resampled_length(inputs, down_, up_); }

Resampler::Range Resampler::needs(int64_t first, int64_t count) const {
  if (half_ == 0) return {first, first + count};
  return {first * down_ / up_ + 1 - half_, (first + count - 1) * down_ / up_ + half_ + 1};
}

void Resampler::operator()(std::span<const float> inputs, int64_t first, std::span<float> outputs) const {
  const auto count = static_cast<int64_t>(outputs.size());
  if (count == 0) return;
  const Range range = needs(first, count);
  check(static_cast<int64_t>(inputs.size()) == range.last - range.first,
        "resampler: expected {} inputs, found {}", range.last - range.first, inputs.size());
  if (half_ == 0) {
    std::copy(inputs.begin(), inputs.end(), outputs.begin());
    return;
  }
  const auto [dot, dots] = best_dots();
  const int64_t start = first * down_ / up_;
  const auto size = static_cast<int64_t>(inputs.size());
  std::vector<float> edge;  // the last inputs with zeros after them, where a padded row looks past the end
  int64_t j = 0;
  // Outputs `up_` apart use the same row of the table, which would otherwise be read whole for every `up_` outputs.
  const auto reads_to = [&](int64_t output) { return (first + output) * down_ / up_ - start + taps_; };
  while (phases_ == up_ && j + kOutputsTogether * up_ <= count &&
         reads_to(j + kOutputsTogether * up_ - 1) <= size) {
    for (int64_t k = j; k < j + up_; ++k) {
      const int64_t place = (first + k) * down_;
      dots(inputs.data() + place / up_ - start, down_, table_.data() + place % up_ * taps_, taps_,
           outputs.data() + k, up_);
    }
    j += kOutputsTogether * up_;
  }
  for (; j < count; ++j) {
    const int64_t place = (first + j) * down_;
    const int64_t at = place / up_ - start, fraction = place % up_;
    const float* in = inputs.data() + at;
    if (at + taps_ > size) {
      edge.assign(static_cast<size_t>(taps_), 0);
      std::copy_n(in, size - at, edge.begin());
      in = edge.data();
    }
    if (phases_ == up_) {
      outputs[j] = dot(in, table_.data() + fraction * taps_, taps_);
    } else {
      const int64_t phase = fraction * phases_ / up_;
      const double share = static_cast<double>(fraction * phases_ % up_) / static_cast<double>(up_);
      const float* row = table_.data() + phase * taps_;
      const double low = dot(in, row, taps_), high = dot(in, row + taps_, taps_);
      outputs[j] = static_cast<float>(low + (high - low) * share);
    }
  }
}

const Resampler& Resamplers::from(int64_t in_rate) const {
  const std::lock_guard lock(mutex_);
  auto& made = made_[in_rate];
  if (!made) made = std::make_unique<Resampler>(in_rate, out_rate_);
  return *made;
}

}  // namespace d2v
