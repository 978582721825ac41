#include "d2v/pipeline/spectrogram.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"

namespace d2v {
namespace {

int64_t in_samples(double seconds, const SpectrogramConfig& config) {
  return std::lround(seconds * static_cast<double>(config.sample_rate));
}

}  // namespace

int64_t spectrogram_samples(const SpectrogramConfig& config, int64_t frames) {
  return in_samples(config.window_seconds, config) + (frames - 1) * in_samples(config.hop_seconds, config);
}

int64_t spectrogram_frames(const SpectrogramConfig& config, int64_t samples) {
  const int64_t window = in_samples(config.window_seconds, config);
  if (samples < window) return 0;
  return std::min(config.frames, (samples - window) / in_samples(config.hop_seconds, config) + 1);
}

Spectrogram::Spectrogram(const SpectrogramConfig& config)
    : log_mel_({.sample_rate = config.sample_rate,
                .bins = config.bins,
                .window_seconds = config.window_seconds,
                .hop_seconds = config.hop_seconds,
                .low_hertz = config.low_hertz,
                .high_hertz = config.high_hertz}),
      frames_(config.frames),
      mean_(static_cast<float>(config.mean)),
      scale_(static_cast<float>(1 / (2 * config.std))) {}

void Spectrogram::operator()(std::span<const float> sound, std::span<float> out) const {
  check(static_cast<int64_t>(sound.size()) <= samples() &&
            static_cast<int64_t>(out.size()) == frames_ * log_mel_.bins(),
        "spectrogram: expected at most {} samples and room for {} x {} numbers, found {} and {}", samples(),
        frames_, log_mel_.bins(), sound.size(), out.size());
  const auto filled =
      static_cast<size_t>(log_mel_.frames(static_cast<int64_t>(sound.size())) * log_mel_.bins());
  log_mel_(sound, out.first(filled));
  std::fill(out.begin() + static_cast<int64_t>(filled), out.end(), 0.0f);
  for (float& x : out) x = (x - mean_) * scale_;
}

}  // namespace d2v
