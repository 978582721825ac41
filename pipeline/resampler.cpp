#include "d2v/pipeline/resampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "d2v/base/check.h"
#include "resample_lanes.h"

namespace d2v {
namespace {

constexpr double kAttenuation = 100;  // dB
constexpr double kPassband = 0.913;   // of the lower Nyquist frequency
constexpr int64_t kMaxPhases = 1024;  // linear interpolation between so many is wrong by less than -115 dB
constexpr int64_t kSums = 16;

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

// A fixed number of partial sums, added in a fixed order: the same bits in any span, with any instruction set.
float dot(const float* a, const float* b, int64_t count) {
  std::array<float, kSums> sums{};
  for (int64_t i = 0; i < count; i += kSums)
    for (int64_t s = 0; s < kSums; ++s) sums[s] += a[i + s] * b[i + s];
  for (int64_t half = kSums / 2; half > 0; half /= 2)
    for (int64_t s = 0; s < half; ++s) sums[s] += sums[s + half];
  return sums[0];
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
  taps_ = (2 * half_ + kSums - 1) / kSums * kSums;
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
  if (phases_ != up_) return;
  lanes_ = std::make_unique<const LaneTable>(make_lane_table(up_, down_, 2 * half_, [&](int64_t phase) {
    return std::span<const float>(table_).subspan(static_cast<size_t>(phase * taps_),
                                                  static_cast<size_t>(2 * half_));
  }));
  table_ = {};
}

Resampler::~Resampler() = default;

int64_t resampled_length(int64_t inputs, int64_t in_rate, int64_t out_rate) {
  return (inputs * out_rate + in_rate - 1) / in_rate;
}

int64_t Resampler::length(int64_t inputs) const { return resampled_length(inputs, down_, up_); }

Resampler::Range Resampler::needs(int64_t first, int64_t count) const {
  if (half_ == 0) return {first, first + count};
  return {first * down_ / up_ + 1 - half_, (first + count - 1) * down_ / up_ + half_ + 1};
}

void Resampler::operator()(std::span<const float> inputs, int64_t first, std::span<float> outputs,
                           std::vector<float>& scratch) const {
  const auto count = static_cast<int64_t>(outputs.size());
  if (count == 0) return;
  const Range range = needs(first, count);
  check(static_cast<int64_t>(inputs.size()) == range.last - range.first,
        "resampler: expected {} inputs, found {}", range.last - range.first, inputs.size());
  if (half_ == 0) {
    std::copy(inputs.begin(), inputs.end(), outputs.begin());
  } else if (lanes_) {
    resample_lanes(*lanes_, inputs, first * down_ / up_, first, outputs, scratch);
  } else {
    interpolate(inputs, first, outputs, scratch);
  }
}

void Resampler::interpolate(std::span<const float> inputs, int64_t first, std::span<float> outputs,
                            std::vector<float>& scratch) const {
  const int64_t start = first * down_ / up_;
  const auto size = static_cast<int64_t>(inputs.size());
  for (int64_t j = 0; j < static_cast<int64_t>(outputs.size()); ++j) {
    const int64_t place = (first + j) * down_;
    const int64_t at = place / up_ - start, fraction = place % up_;
    const float* in = inputs.data() + at;
    if (at + taps_ > size) {  // a padded row looks past the end
      scratch.assign(static_cast<size_t>(taps_), 0);
      std::copy_n(in, size - at, scratch.begin());
      in = scratch.data();
    }
    const int64_t phase = fraction * phases_ / up_;
    const double share = static_cast<double>(fraction * phases_ % up_) / static_cast<double>(up_);
    const float* row = table_.data() + phase * taps_;
    const double low = dot(in, row, taps_), high = dot(in, row + taps_, taps_);
    outputs[j] = static_cast<float>(low + (high - low) * share);
  }
}

const Resampler& Resamplers::from(int64_t in_rate) const {
  const std::lock_guard lock(mutex_);
  auto& made = made_[in_rate];
  if (!made) made = std::make_unique<Resampler>(in_rate, out_rate_);
  return *made;
}

}  // namespace d2v
