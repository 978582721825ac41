// The input of spectrogram models: the log-mel spectrogram (log_mel.h) of a fixed number of frames, normalised.
//
// As EAT (arXiv 2401.03497) makes it: frames that a short recording does not fill hold the log-mel value 0, then all
// values become (value - mean) / (2 std).
#pragma once

#include <cstdint>
#include <span>

#include "d2v/base/config/modality.h"
#include "d2v/pipeline/log_mel.h"

namespace d2v {

// The sound under so many frames, in samples at spectrogram.sample_rate: a window, and a hop for each further frame.
int64_t spectrogram_samples(const SpectrogramConfig& config, int64_t frames);
// Frames that so many samples fill, at most spectrogram.frames.
int64_t spectrogram_frames(const SpectrogramConfig& config, int64_t samples);

class Spectrogram {
 public:
  // Throws UsageError as LogMel does.
  explicit Spectrogram(const SpectrogramConfig& config);

  // Sound that fills all frames.
  int64_t samples() const { return log_mel_.window() + (frames_ - 1) * log_mel_.hop(); }
  // At most samples() → out (frames, bins), a frame in a row. Thread-safe.
  void operator()(std::span<const float> sound, std::span<float> out) const;

 private:
  LogMel log_mel_;
  int64_t frames_;
  float mean_, scale_;
};

}  // namespace d2v
