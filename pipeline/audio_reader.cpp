#include "d2v/pipeline/audio_reader.h"

#include <algorithm>
#include <bit>
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

// Only decoders of floats make such; one look at the exponents' bits finds nearly always nothing.
void check_finite(std::span<const float> samples, const std::string& name, int64_t first, int64_t rate) {
  uint32_t found = 0;
  for (const float x : samples) {
    const uint32_t exponent = std::bit_cast<uint32_t>(x) & 0x7f800000u;
    found |= exponent == 0x7f800000u ? 1u : 0u;
  }
  if (found == 0) return;
  const auto at = std::find_if(samples.begin(), samples.end(), [](float x) { return !std::isfinite(x); });
  fail<DataError>("{}: holds NaN or infinity near {:.3f} s", name,
                  seconds(std::max<int64_t>(first, 0) + (at - samples.begin()), rate));
}

// Of any recording (length_cache.h). Keeps places of inputs far from overflow.
constexpr int64_t kMostOutputs = int64_t{1} << 40;

// Into scratch.inputs what outputs first, first + 1, … look at, silent beyond both ends. Returns how many outputs there are, at
// most `most`; fewer only where the recording ends. A length that the header lacks is not asked for unless it is met.
int64_t read_inputs(AudioFile& audio, const std::string& name, const Resampler& resampler, int64_t first,
                    int64_t most, AudioScratch& scratch) {
  const DecodeTimer decoding(scratch.times);
  const AudioInfo& info = audio.info();
  const bool known = info.samples > 0;
  int64_t count = known ? std::min(most, resampler.length(info.samples) - first) : most;
  if (count <= 0) return count;
  Resampler::Range range = resampler.needs(first, count);
  const int64_t start = std::max<int64_t>(range.first, 0);
  const auto silent = static_cast<size_t>(start - range.first);
  std::vector<float>& inputs = scratch.inputs;
  inputs.resize(known ? static_cast<size_t>(range.last - range.first) : silent);
  std::fill_n(inputs.begin(), silent, 0.0f);
  int64_t got =
      audio.decode(start, (known ? std::min(range.last, info.samples) : range.last) - start, inputs, silent);
  int64_t end = range.last;
  if (info.samples > 0) {
    if (!known) count = std::min(most, resampler.length(info.samples) - first);
    if (count <= 0) return count;
    range = resampler.needs(first, count);
    end = std::min(range.last, info.samples);
    got = std::min(got, end - start);
    if (got < end - start) check_end(audio, name, start + got);
  }
  inputs.resize(static_cast<size_t>(range.last - range.first));
  const auto sound = std::span(inputs).subspan(silent, static_cast<size_t>(got));
  std::fill(inputs.begin() + static_cast<std::ptrdiff_t>(silent + sound.size()), inputs.end(), 0.0f);
  check_finite(sound, name, start, info.rate);
  return count;
}

}  // namespace

AudioReader::AudioReader(int64_t sample_rate) : resamplers_(sample_rate) {}

AudioInfo read_audio_info(const ByteSource& file) {
  AudioScratch scratch;
  AudioFile audio(file, scratch);
  audio.count_samples();
  return audio.info();
}

void AudioReader::read(const ByteSource& file, int64_t first, std::span<float> out,
                       AudioScratch& scratch) const {
  const auto count = static_cast<int64_t>(out.size());
  check<DataError>(first >= 0, "{}: expected a first sample from 0 on, found {}", file.name(), first);
  std::optional<DecodeTimer> opening(scratch.times);
  AudioFile audio(file, scratch);
  if (count == 0) audio.count_samples();
  opening.reset();
  const Resampler& resampler = resamplers_.from(audio.info().rate);
  const int64_t there = read_inputs(audio, file.name(), resampler, first, count, scratch);
  check<DataError>(there == count, "{}: expected samples up to {:.2f} s, the recording ends after {:.2f} s",
                   file.name(), seconds(first + count, resamplers_.out_rate()),
                   seconds(first + there, resamplers_.out_rate()));
  const StageTimer timer(scratch.times, Stage::resample);
  resampler(scratch.inputs, first, out, scratch.lanes);
}

std::vector<float> AudioReader::read_all(const ByteSource& file, int64_t most, AudioScratch& scratch) const {
  std::optional<DecodeTimer> opening(scratch.times);
  AudioFile audio(file, scratch);
  opening.reset();
  const Resampler& resampler = resamplers_.from(audio.info().rate);
  std::vector<float> samples(static_cast<size_t>(
      read_inputs(audio, file.name(), resampler, 0, std::min(most, kMostOutputs), scratch)));
  const StageTimer timer(scratch.times, Stage::resample);
  resampler(scratch.inputs, 0, samples, scratch.lanes);
  return samples;
}

std::vector<float> AudioReader::read_all(const ByteSource& file, int64_t most) const {
  AudioScratch scratch;
  return read_all(file, most, scratch);
}

}  // namespace d2v
