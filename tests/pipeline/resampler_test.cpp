// Resampling: lengths, spans, and the quality that the header promises.
#include "d2v/pipeline/resampler.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "doctest.h"

using namespace d2v;

namespace {

std::vector<float> sine(double hertz, int64_t rate, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(
        std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / static_cast<double>(rate)));
  return out;
}

// A span of the resampled recording, silent beyond both its ends.
std::vector<float> resample(const Resampler& resampler, const std::vector<float>& in, int64_t first,
                            int64_t count) {
  const auto [from, to] = resampler.needs(first, count);
  std::vector<float> window(static_cast<size_t>(to - from), 0);
  for (int64_t i = from; i < to; ++i)
    if (i >= 0 && i < static_cast<int64_t>(in.size())) window[i - from] = in[i];
  std::vector<float> out(static_cast<size_t>(count));
  std::vector<float> scratch;
  resampler(window, first, out, scratch);
  return out;
}

double decibel(double amplitude) { return 20 * std::log10(std::max(amplitude, 1e-12)); }

// Largest difference from the ideal tone, away from the ends; amplitude 0 where the tone must vanish.
double worst_error(int64_t in_rate, int64_t out_rate, double hertz, double amplitude) {
  const Resampler resampler(in_rate, out_rate);
  const std::vector<float> in = sine(hertz, in_rate, in_rate);
  const int64_t count = resampler.length(in_rate);
  const std::vector<float> out = resample(resampler, in, 0, count), ideal = sine(hertz, out_rate, count);
  double worst = 0;
  for (int64_t i = count / 10; i < count - count / 10; ++i)
    worst = std::max(worst, std::abs(out[i] - amplitude * ideal[i]));
  return worst;
}

}  // namespace

TEST_CASE("tones below 91 % of the lower Nyquist frequency come through, those above it vanish, by 95 dB") {
  for (const int64_t rate : {8000, 11025, 22050, 44100, 48000, 96000, 44099, 999983}) {
    const double nyquist = std::min(8000.0, static_cast<double>(rate) / 2);
    for (const double share : {0.01, 0.3, 0.7, 0.9}) {
      INFO(rate, " Hz, tone at ", share, " of the Nyquist frequency");
      CHECK(decibel(worst_error(rate, 16000, share * nyquist, 1)) < -95);
    }
    if (rate <= 16000) continue;
    for (const double share : {1.01, 1.2}) {
      if (share * nyquist >= static_cast<double>(rate) / 2) continue;
      INFO(rate, " Hz, tone at ", share, " of the Nyquist frequency");
      CHECK(decibel(worst_error(rate, 16000, share * nyquist, 0)) < -95);
    }
  }
}

TEST_CASE("a span has the same bits as in the whole, at any place") {
  for (const int64_t rate : {8000, 16000, 22050, 44100, 44099, 192000}) {
    const Resampler resampler(rate, 16000);
    const std::vector<float> in = sine(313, rate, rate / 4);
    const int64_t count = resampler.length(rate / 4);
    CHECK(count == (rate / 4 * 16000 + rate - 1) / rate);
    const std::vector<float> whole = resample(resampler, in, 0, count);
    for (const int64_t first : {int64_t{0}, int64_t{1}, int64_t{777}, count - 60}) {
      const std::vector<float> span = resample(resampler, in, first, 50);
      CHECK(std::equal(span.begin(), span.end(), whole.begin() + first));
    }
  }
}

TEST_CASE("equal rates: the samples themselves") {
  const std::vector<float> in = sine(100, 16000, 500);
  CHECK(resample(Resampler(16000, 16000), in, 0, 500) == in);
}
