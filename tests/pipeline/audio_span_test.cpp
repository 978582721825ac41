// Spans of files that FFmpeg's encoders made: the same samples as a full decode by a loop over FFmpeg's decoder that
// shares nothing with the reader, wherever the span lies.
#include "d2v/base/philox.h"
#include "d2v/pipeline/audio_reader.h"
#include "encode_audio.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;

namespace {

constexpr int64_t kAll = int64_t{1} << 40;

std::vector<float> span_of(const AudioReader& reader, const std::filesystem::path& file, int64_t first,
                           int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  AudioScratch scratch;
  reader.read(file, first, out, scratch);
  return out;
}

// Spans anywhere, one at each end, one in front of and one behind the places where packets usually begin.
void check_spans(const AudioReader& reader, const std::filesystem::path& file,
                 const std::vector<float>& whole) {
  Philox random({.seed = 5});
  const auto size = static_cast<uint32_t>(whole.size());
  std::vector<std::pair<int64_t, int64_t>> spans{{0, 1},    {0, size},    {size - 1, 1},    {size - 700, 700},
                                                 {1023, 2}, {1024, 1024}, {1152 * 7 - 1, 3}};
  for (int i = 0; i < 12; ++i) {
    const uint32_t count = 1 + random.below(9000);
    spans.push_back({random.below(size - count + 1), count});
  }
  for (const auto& [first, count] : spans) {
    INFO("samples ", first, " to ", first + count);
    CHECK(
        std::ranges::equal(span_of(reader, file, first, count),
                           std::span(whole).subspan(static_cast<size_t>(first), static_cast<size_t>(count))));
  }
}

// How many samples an encoder may add at the end, where the container does not say where the sound ends.
void check_format(const test::EncodedAs& as, double seconds, int64_t most_behind) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "sound";
  if (!test::encode_audio(file, as, test::busy_sound(seconds, as.rate, as.channels)))
    D2V_SKIP(std::string("this FFmpeg has no encoder ") + as.encoder);
  INFO(as.encoder, " in ", as.container, ", ", as.rate, " Hz, ", as.channels, " channels");
  const std::vector<float> full = test::decoded_by_ffmpeg(file);
  const AudioReader own(as.rate), other(16000);
  const std::vector<float> whole = own.read_all(file, kAll);
  const auto length = static_cast<int64_t>(whole.size());
  CHECK(length == own.length(read_audio_info(file)));
  CHECK(length >= static_cast<int64_t>(seconds * as.rate));
  CHECK(length <= static_cast<int64_t>(seconds * as.rate) + most_behind);
  // A decoder may end before its container does: silence then.
  const size_t common = std::min(full.size(), whole.size());
  CHECK(whole.size() - common <= static_cast<size_t>(as.rate) / 20);
  CHECK(std::equal(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(common), full.begin()));
  check_spans(own, file, whole);
  check_spans(other, file, other.read_all(file, kAll));
}

}  // namespace

TEST_CASE("Opus: a span has the samples of a full decode") {
  check_format({.encoder = "libopus", .container = "opus", .rate = 48000, .channels = 1}, 2.3, 0);
  check_format({.encoder = "libopus", .container = "ogg", .rate = 48000, .channels = 2}, 2.3, 0);
  check_format({.encoder = "libopus", .container = "webm", .rate = 48000, .channels = 1}, 2.3, 2000);
}

TEST_CASE("Vorbis: a span has the samples of a full decode") {
  check_format({.encoder = "libvorbis", .container = "ogg", .rate = 22050, .channels = 1}, 9.1, 0);
  check_format({.encoder = "libvorbis", .container = "ogg", .rate = 44100, .channels = 2}, 4.1, 0);
}

TEST_CASE("AAC: a span has the samples of a full decode") {
  check_format({.encoder = "aac", .container = "ipod", .rate = 44100, .channels = 2}, 2.1, 2048);
  check_format({.encoder = "aac", .container = "ipod", .rate = 16000, .channels = 1}, 3.1, 2048);
  check_format({.encoder = "aac", .container = "adts", .rate = 22050, .channels = 1}, 3.1, 4096);
}

TEST_CASE("mp3: a span has the samples of a full decode") {
  check_format({.encoder = "libmp3lame", .container = "mp3", .rate = 22050, .channels = 1}, 9.1, 0);
  check_format({.encoder = "libmp3lame", .container = "mp3", .rate = 44100, .channels = 2}, 5.1, 0);
}

TEST_CASE("FLAC and WAV: a span has the samples of a full decode") {
  check_format({.rate = 22050, .channels = 2}, 3.1, 0);
  check_format({.container = "ogg", .rate = 16000, .channels = 1}, 3.1, 0);
  check_format({.encoder = "pcm_s24le", .container = "wav", .rate = 22050, .channels = 2, .bits = 24}, 3.1,
               0);
  check_format({.encoder = "pcm_f32le", .container = "wav", .rate = 44100, .channels = 3}, 2.1, 0);
}
