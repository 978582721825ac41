// Log-mel spectrograms and MFCCs of sound: the input of spectrogram models, and the simple features of probes.
//
// Kaldi's filter banks without dither and energy: frames of 25 ms every 10 ms, mean taken off, pre-emphasis 0.97, Hann
// window, power spectrum of the next power of two, triangles on the mel scale 1127 ln(1 + f / 700), natural logarithm of
// at least 2^-23. The same bits for any number of threads.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace d2v {

struct LogMelSettings {
  int64_t sample_rate = 16000;
  int64_t bins = 128;
  double window_seconds = 0.025;
  double hop_seconds = 0.01;
  double low_hertz = 20;
  double high_hertz = 0;  // 0: half the sample rate
};

class LogMel {
 public:
  // Throws UsageError for windows or bands of nothing. A bin too narrow to hold a frequency of the spectrum is at the floor.
  explicit LogMel(const LogMelSettings& settings);

  int64_t window() const { return window_; }  // in samples
  int64_t hop() const { return hop_; }
  int64_t bins() const { return static_cast<int64_t>(filters_.size()); }
  // Whole windows within so many samples; no padding.
  int64_t frames(int64_t samples) const;
  // out: (frames(samples), bins). Thread-safe.
  void operator()(std::span<const float> samples, std::span<float> out) const;

 private:
  struct Filter {
    int64_t first = 0;
    std::vector<double> weights;
  };
  void transform(std::vector<std::complex<double>>& values) const;

  int64_t window_ = 0, hop_ = 0, size_ = 0;
  std::vector<double> hann_;
  std::vector<std::complex<double>> turns_;  // exp(-2πi k / size)
  std::vector<int64_t> reversed_;
  std::vector<Filter> filters_;
};

// The first `count` coefficients of the orthonormal DCT-II of each row of a (frames, bins) matrix: (frames, count).
std::vector<float> mfcc(std::span<const float> log_mel, int64_t bins, int64_t count);

// Per column the mean and then the standard deviation (n) over the rows: 2 · columns numbers. Needs a row.
std::vector<float> mean_and_deviation(std::span<const float> matrix, int64_t columns);

}  // namespace d2v
