// Log-mel spectrograms against the formulas written out; MFCCs; means and deviations.
#include "d2v/pipeline/log_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::vector<float> noise(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  fill_normal({.seed = 3}, 0, out, 0.1f, 0.2f);
  return out;
}

double mel(double hertz) { return 1127 * std::log(1 + hertz / 700); }

// One value of the spectrogram, by a plain sum over the window for every frequency.
double by_definition(const std::vector<float>& samples, int64_t frame, int64_t bin, int64_t bins) {
  const int64_t window = 400, size = 512;
  std::vector<double> x(samples.begin() + frame * 160, samples.begin() + frame * 160 + window);
  double mean = 0;
  for (const double v : x) mean += v / window;
  for (double& v : x) v -= mean;
  for (int64_t i = window - 1; i >= 0; --i) x[i] -= 0.97 * x[std::max<int64_t>(i - 1, 0)];
  for (int64_t i = 0; i < window; ++i) x[i] *= 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / 399.0);
  const double low = mel(20), step = (mel(8000) - low) / static_cast<double>(bins + 1);
  double energy = 0;
  for (int64_t k = 0; k < size / 2; ++k) {
    const double place = (mel(static_cast<double>(k) * 16000 / size) - low) / step - static_cast<double>(bin);
    const double weight = std::max(0.0, std::min(place, 2 - place));
    double re = 0, im = 0;
    for (int64_t i = 0; i < window; ++i) {
      re += x[i] * std::cos(2 * std::numbers::pi * static_cast<double>(k * i) / size);
      im += x[i] * std::sin(2 * std::numbers::pi * static_cast<double>(k * i) / size);
    }
    energy += weight * (re * re + im * im);
  }
  return std::log(std::max(energy, std::ldexp(1.0, -23)));
}

}  // namespace

TEST_CASE("the spectrogram is what its definition says") {
  const LogMel log_mel({.bins = 40});
  const std::vector<float> samples = noise(2000);
  REQUIRE(log_mel.frames(2000) == 11);
  std::vector<float> out(11 * 40);
  log_mel(samples, out);
  for (const int64_t frame : {0, 4, 10}) {
    for (const int64_t bin : {0, 1, 17, 39}) {
      INFO("frame ", frame, ", bin ", bin);
      CHECK(out[frame * 40 + bin] == doctest::Approx(by_definition(samples, frame, bin, 40)).epsilon(1e-5));
    }
  }
}

TEST_CASE("a tone lies in its bin, silence at the floor, a constant is silence") {
  const LogMel log_mel({});
  std::vector<float> samples(16000), out(98 * 128);
  CHECK(log_mel.frames(16000) == 98);
  CHECK(log_mel.frames(399) == 0);
  CHECK(log_mel.frames(400) == 1);
  for (const double hertz : {440.0, 1000.0, 4000.0}) {
    for (size_t i = 0; i < samples.size(); ++i)
      samples[i] =
          static_cast<float>(std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / 16000));
    log_mel(samples, out);
    const auto loudest =
        std::max_element(out.begin() + 50 * 128, out.begin() + 51 * 128) - out.begin() - 50 * 128;
    const double expected = (mel(hertz) - mel(20)) / ((mel(8000) - mel(20)) / 129) - 1;
    CHECK(std::abs(static_cast<double>(loudest) - expected) <= 1);
  }
  std::fill(samples.begin(), samples.end(), 0.5f);
  log_mel(samples, out);
  for (const float x : out) CHECK(x == doctest::Approx(-23 * std::log(2)));
}

TEST_CASE("MFCCs are an orthonormal transform; means and deviations are over the frames") {
  const std::vector<float> matrix = noise(5 * 20);
  const std::vector<float> all = mfcc(matrix, 20, 20);
  for (int64_t f = 0; f < 5; ++f) {
    double before = 0, after = 0, sum = 0;
    for (int64_t b = 0; b < 20; ++b) {
      before += std::pow(matrix[f * 20 + b], 2);
      after += std::pow(all[f * 20 + b], 2);
      sum += matrix[f * 20 + b];
    }
    CHECK(after == doctest::Approx(before));
    CHECK(all[f * 20] == doctest::Approx(sum / std::sqrt(20.0)));
  }
  const std::vector<float> rows{1, 10, 3, 10, 5, 40};
  const std::vector<float> stats = mean_and_deviation(rows, 2);
  CHECK(stats[0] == 3);
  CHECK(stats[1] == 20);
  CHECK(stats[2] == doctest::Approx(std::sqrt(8.0 / 3)));
  CHECK(stats[3] == doctest::Approx(std::sqrt(200.0)));
}

TEST_CASE("bands that are none are refused") {
  CHECK_THROWS_AS(LogMel({.low_hertz = 9000}), UsageError);
  CHECK_THROWS_AS(LogMel({.high_hertz = 9000}), UsageError);
  CHECK_THROWS_AS(LogMel({.window_seconds = 0}), UsageError);
}
