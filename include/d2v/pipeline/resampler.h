// From one sample rate to another, at any place of a recording.
//
// Windowed sinc in polyphase form: Kaiser window of 100 dB, flat up to 91.3 % of the lower Nyquist frequency, everything
// from that frequency on down by 100 dB (the class of soxr's HQ). Each output is a fixed sum over inputs near it, so a
// span of outputs has the same bits as the same span of the whole recording, on every processor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace d2v {

// Outputs of a recording of so many inputs: ceil(inputs · out / in).
int64_t resampled_length(int64_t inputs, int64_t in_rate, int64_t out_rate);

struct LaneTable;  // private to the pipeline

class Resampler {
 public:
  // Rates in samples a second, both positive.
  Resampler(int64_t in_rate, int64_t out_rate);
  ~Resampler();

  // resampled_length at these rates. Output j stands at input j · in / out.
  int64_t length(int64_t inputs) const;

  // Inputs [first, last) that outputs [first, first + count) look at. May reach beyond both ends of the recording: there
  // it is taken to be silent.
  struct Range {
    int64_t first = 0;
    int64_t last = 0;
  };
  Range needs(int64_t first, int64_t count) const;

  // Outputs first, first + 1, … from the inputs that `needs` names. `scratch` is memory of the caller's thread, for use
  // again.
  void operator()(std::span<const float> inputs, int64_t first, std::span<float> outputs,
                  std::vector<float>& scratch) const;

 private:
  void interpolate(std::span<const float> inputs, int64_t first, std::span<float> outputs,
                   std::vector<float>& scratch) const;

  int64_t up_ = 1, down_ = 1;  // out / in in lowest terms
  int64_t phases_ = 1;         // rows of the table: up, or fewer with interpolation between two of them
  int64_t half_ = 0;           // inputs on either side; 0: equal rates
  int64_t taps_ = 0;           // of a row, with zeros up to a multiple of the SIMD width
  // Where phases are exact, as of all usual rates, their coefficients as they are read; else all rows of the table.
  std::unique_ptr<const LaneTable> lanes_;
  std::vector<float> table_;  // (phases + 1, taps)
};

// Resamplers to one rate, made at first use. Thread-safe.
class Resamplers {
 public:
  explicit Resamplers(int64_t out_rate) : out_rate_(out_rate) {}
  const Resampler& from(int64_t in_rate) const;
  int64_t out_rate() const { return out_rate_; }

 private:
  int64_t out_rate_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::unique_ptr<Resampler>> made_;
};

}  // namespace d2v
