#include "d2v/pipeline/log_mel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "d2v/base/check.h"

namespace d2v {
namespace {

constexpr double kPreEmphasis = 0.97;
constexpr double kFloor = 0x1p-23;

double mel(double hertz) { return 1127 * std::log(1 + hertz / 700); }

}  // namespace

LogMel::LogMel(const LogMelSettings& settings) {
  const auto rate = static_cast<double>(settings.sample_rate);
  window_ = std::lround(settings.window_seconds * rate);
  hop_ = std::lround(settings.hop_seconds * rate);
  check<UsageError>(window_ > 1 && hop_ > 0 && settings.bins > 0,
                    "spectrogram: windows of {} samples every {} and {} bins make none", window_, hop_,
                    settings.bins);
  size_ = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(window_)));
  for (int64_t i = 0; i < window_; ++i)
    hann_.push_back(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) /
                                         static_cast<double>(window_ - 1)));
  for (int64_t k = 0; k < size_; ++k)
    turns_.push_back(
        std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size_)));
  const int bits = std::countr_zero(static_cast<uint64_t>(size_));
  for (int64_t k = 0; k < size_; ++k) {
    int64_t reversed = 0;
    for (int bit = 0; bit < bits; ++bit) reversed |= (k >> bit & 1) << (bits - 1 - bit);
    reversed_.push_back(reversed);
  }
  const double high = settings.high_hertz > 0 ? settings.high_hertz : rate / 2;
  check<UsageError>(settings.low_hertz >= 0 && settings.low_hertz < high && high <= rate / 2,
                    "spectrogram: the band from {} to {} Hz is not within 0 to {} Hz", settings.low_hertz,
                    high, rate / 2);
  const double low_mel = mel(settings.low_hertz);
  const double step = (mel(high) - low_mel) / static_cast<double>(settings.bins + 1);
  for (int64_t bin = 0; bin < settings.bins; ++bin) {
    const double left = low_mel + step * static_cast<double>(bin), center = left + step,
                 right = center + step;
    Filter filter;
    for (int64_t k = 0; k < size_ / 2; ++k) {
      const double at = mel(static_cast<double>(k) * rate / static_cast<double>(size_));
      if (at <= left || at >= right) continue;
      if (filter.weights.empty()) filter.first = k;
      filter.weights.push_back(at <= center ? (at - left) / step : (right - at) / step);
    }
    filters_.push_back(std::move(filter));
  }
}

int64_t LogMel::frames(int64_t samples) const {
  return samples < window_ ? 0 : (samples - window_) / hop_ + 1;
}

// Radix 2, in place.
void LogMel::transform(std::vector<std::complex<double>>& values) const {
  for (int64_t k = 0; k < size_; ++k)
    if (reversed_[k] > k) std::swap(values[k], values[reversed_[k]]);
  for (int64_t half = 1; half < size_; half *= 2) {
    const int64_t stride = size_ / (2 * half);
    for (int64_t first = 0; first < size_; first += 2 * half) {
      for (int64_t k = 0; k < half; ++k) {
        // By hand: std::complex's product looks for infinities.
        const std::complex<double> w = turns_[k * stride], b = values[first + half + k];
        const std::complex<double> turned{w.real() * b.real() - w.imag() * b.imag(),
                                          w.real() * b.imag() + w.imag() * b.real()};
        values[first + half + k] = values[first + k] - turned;
        values[first + k] += turned;
      }
    }
  }
}

void LogMel::operator()(std::span<const float> samples, std::span<float> out) const {
  const int64_t count = frames(static_cast<int64_t>(samples.size()));
  check(static_cast<int64_t>(out.size()) == count * bins(),
        "log-mel: expected room for {} x {} numbers, found {}", count, bins(), out.size());
  std::vector<std::complex<double>> values(static_cast<size_t>(size_));
  std::vector<double> frame(static_cast<size_t>(window_));
  for (int64_t f = 0; f < count; ++f) {
    const float* in = samples.data() + f * hop_;
    double mean = 0;
    for (int64_t i = 0; i < window_; ++i) mean += in[i];
    mean /= static_cast<double>(window_);
    for (int64_t i = 0; i < window_; ++i) frame[i] = (in[i] - mean);
    std::fill(values.begin(), values.end(), 0.0);
    for (int64_t i = 0; i < window_; ++i)
      values[i] = (frame[i] - kPreEmphasis * frame[std::max<int64_t>(i - 1, 0)]) * hann_[i];
    transform(values);
    for (int64_t bin = 0; bin < bins(); ++bin) {
      const Filter& filter = filters_[bin];
      double energy = 0;
      for (size_t k = 0; k < filter.weights.size(); ++k)
        energy += filter.weights[k] * std::norm(values[filter.first + static_cast<int64_t>(k)]);
      out[f * bins() + bin] = static_cast<float>(std::log(std::max(energy, kFloor)));
    }
  }
}

std::vector<float> mfcc(std::span<const float> log_mel, int64_t bins, int64_t count) {
  const int64_t frames = static_cast<int64_t>(log_mel.size()) / bins;
  std::vector<double> cosines(static_cast<size_t>(count * bins));
  for (int64_t c = 0; c < count; ++c) {
    const double scale = std::sqrt((c == 0 ? 1.0 : 2.0) / static_cast<double>(bins));
    for (int64_t b = 0; b < bins; ++b)
      cosines[c * bins + b] = scale * std::cos(std::numbers::pi * static_cast<double>(c) *
                                               (static_cast<double>(b) + 0.5) / static_cast<double>(bins));
  }
  std::vector<float> out(static_cast<size_t>(frames * count));
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t c = 0; c < count; ++c) {
      double sum = 0;
      for (int64_t b = 0; b < bins; ++b) sum += cosines[c * bins + b] * log_mel[f * bins + b];
      out[f * count + c] = static_cast<float>(sum);
    }
  }
  return out;
}

std::vector<float> mean_and_deviation(std::span<const float> matrix, int64_t columns) {
  const int64_t rows = static_cast<int64_t>(matrix.size()) / columns;
  check(rows > 0, "mean and deviation of no rows");
  std::vector<float> out(static_cast<size_t>(2 * columns));
  for (int64_t c = 0; c < columns; ++c) {
    double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; ++r) sum += matrix[r * columns + c];
    const double mean = sum / static_cast<double>(rows);
    for (int64_t r = 0; r < rows; ++r)
      squares += (matrix[r * columns + c] - mean) * (matrix[r * columns + c] - mean);
    out[c] = static_cast<float>(mean);
    out[columns + c] = static_cast<float>(std::sqrt(squares / static_cast<double>(rows)));
  }
  return out;
}

}  // namespace d2v
