#include "d2v/pipeline/audio_reader.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "audio_file.h"
#include "d2v/base/check.h"

namespace d2v {
namespace {

// How much earlier a lossy recording may end than its container says: codecs fill up their first and last frames.
constexpr double kLossySlack = 0.05;  // seconds

double seconds(int64_t samples, int64_t rate) {
  return static_cast<double>(samples) / static_cast<double>(rate);
}

// Adds to Stage::decode what passes, less what FFmpeg spends on reading meanwhile.
class DecodeTimer {
 public:
  explicit DecodeTimer(StageTimes* times)
      : times_(times), reading_(times != nullptr ? (*times)[Stage::read] : 0), timer_(times, Stage::decode) {}
  DecodeTimer(const DecodeTimer&) = delete;
  DecodeTimer& operator=(const DecodeTimer&) = delete;
  ~DecodeTimer() {
    if (times_ != nullptr) (*times_)[Stage::decode] -= (*times_)[Stage::read] - reading_;
  }

 private:
  StageTimes* times_;
  int64_t reading_;
  StageTimer timer_;
};

void check_end(const AudioFile& audio, const std::string& name, int64_t end) {
  const AudioInfo& info = audio.info();
  const auto slack =
      audio.exact_length() ? 0 : static_cast<int64_t>(kLossySlack * static_cast<double>(info.rate));
  check<DataError>(end >= info.samples - slack,
                   "{}: truncated: ends after {:.2f} s of the {:.2f} s that its header says", name,
                   seconds(end, info.rate), seconds(info.samples, info.rate));
}

void check_finite(std::span<const float> samples, const std::string& name, int64_t first, int64_t rate) {
  // One sum finds nearly always nothing; only then every sample is looked at.
  float sum = 0;
  for (const float x : samples) sum += x * 0.0f;
  if (sum == 0) return;
  const auto at = std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  fail<DataError>("{}: holds NaN or infinity near {:.3f} s", name,
                  seconds(std::max<int64_t>(first, 0) + (at - samples.begin()), rate));
}

}  // namespace

AudioReader::AudioReader(int64_t sample_rate)
    : resamplers_(sample_rate), counted_(std::make_shared<CountedLengths>()) {}

AudioInfo read_audio_info(const ByteSource& file) { return AudioFile(file).info(); }

void AudioReader::read(const ByteSource& file, int64_t first, std::span<float> out,
                       AudioScratch& scratch) const {
  const auto count = static_cast<int64_t>(out.size());
  std::optional<DecodeTimer> decoding(scratch.times);
  AudioFile audio(file, scratch.stop, scratch.times, counted_.get());
  const AudioInfo& info = audio.info();
  const Resampler& resampler = resamplers_.from(info.rate);
  const int64_t length = resampler.length(info.samples);
  check<DataError>(first >= 0 && first + count <= length,
                   "{}: expected samples up to {:.2f} s, the recording ends after {:.2f} s", file.name(),
                   seconds(first + count, resamplers_.out_rate()), seconds(length, resamplers_.out_rate()));
  if (count == 0) return;
  const Resampler::Range range = resampler.needs(first, count);
  const int64_t start = std::max<int64_t>(range.first, 0), end = std::min(range.last, info.samples);
  scratch.inputs.assign(static_cast<size_t>(range.last - range.first), 0);
  const std::span<float> inside =
      std::span(scratch.inputs)
          .subspan(static_cast<size_t>(start - range.first), static_cast<size_t>(end - start));
  const int64_t got = audio.decode(start, inside);
  if (got < end - start) check_end(audio, file.name(), start + got);
  check_finite(inside, file.name(), start, info.rate);
  decoding.reset();
  const StageTimer timer(scratch.times, Stage::resample);
  resampler(scratch.inputs, first, out, scratch.lanes);
}

std::vector<float> AudioReader::read_all(const ByteSource& file, int64_t most) const {
  std::vector<float> samples(static_cast<size_t>(std::min(length(read_audio_info(file)), most)));
  AudioScratch scratch;
  read(file, 0, samples, scratch);
  return samples;
}

}  // namespace d2v
