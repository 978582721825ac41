// The fixed-size spectrogram: its frames, what fills short recordings, how it is normalised.
#include "d2v/pipeline/spectrogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::vector<float> noise(int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  fill_normal({.seed = 5}, 0, out, 0, 0.1f);
  return out;
}

const SpectrogramConfig kSmall{.bins = 32, .frames = 48, .patch = 16, .mean = -3, .std = 2};

}  // namespace

TEST_CASE("EAT's 1024 frames see 10.255 seconds, of AudioSet's 10 they fill 998") {
  const SpectrogramConfig config;
  CHECK(spectrogram_samples(config, 1) == 400);
  CHECK(spectrogram_samples(config, 1024) == 400 + 1023 * 160);
  CHECK(Spectrogram(config).samples() == spectrogram_samples(config, 1024));
  CHECK(spectrogram_frames(config, 160000) == 998);
  CHECK(spectrogram_frames(config, 399) == 0);
  CHECK(spectrogram_frames(config, 400) == 1);
  CHECK(spectrogram_frames(config, 1 << 30) == 1024);
}

TEST_CASE("a frame in a row; rows beyond the sound hold the log-mel value 0; all is normalised by 2 std") {
  const Spectrogram spectrogram(kSmall);
  const LogMel log_mel({.bins = 32});
  for (const int64_t samples : {int64_t{400}, int64_t{4000}, spectrogram.samples()}) {
    CAPTURE(samples);
    const std::vector<float> sound = noise(samples);
    const int64_t frames = spectrogram_frames(kSmall, samples);
    CHECK(frames == log_mel.frames(samples));
    std::vector<float> plain(static_cast<size_t>(frames * 32)), out(48 * 32, -99.0f);
    log_mel(sound, plain);
    spectrogram(sound, out);
    bool same = true;
    for (size_t i = 0; i < out.size(); ++i) {
      const double value = i < plain.size() ? plain[i] : 0;
      same = same && std::abs(out[i] - (value + 3) / 4) < 1e-5;
    }
    CHECK(same);
  }
}

TEST_CASE("less than a window gives no frame, more than all frames is refused") {
  const Spectrogram spectrogram(kSmall);
  std::vector<float> out(48 * 32);
  spectrogram(noise(399), out);
  CHECK(std::all_of(out.begin(), out.end(), [](float x) { return x == 0.75f; }));
  CHECK_THROWS_AS(spectrogram(noise(spectrogram.samples() + 1), out), Error);
  CHECK_THROWS_AS(spectrogram(noise(400), std::span<float>(out).first(31)), Error);
}

TEST_CASE("settings that make no spectrogram are refused") {
  SpectrogramConfig config;
  config.high_hertz = 9000;
  CHECK_THROWS_AS(Spectrogram{config}, UsageError);
  config = {.sample_rate = 1000, .hop_seconds = 1e-4};
  CHECK_THROWS_AS(Spectrogram{config}, UsageError);
}
