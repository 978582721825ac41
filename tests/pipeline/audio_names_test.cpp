// Recordings whose name or contents are not what one expects: an mp3 named .wav, a film without sound, 48 kHz in stereo.
#include <cmath>
#include <numbers>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/audio_source.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMinute = 60 * 16000;

// An element of Matroska: id, size in four bytes, contents.
std::string element(std::string_view id, std::string_view contents) {
  const auto size = static_cast<uint32_t>(contents.size()) | 0x10000000u;
  std::string out(id);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 255u);
  return out.append(contents);
}

// A film of one picture, without a track of sound.
std::string silent_film() {
  const std::string picture = test::jpeg_bytes(test::formula_image(16, 16));
  const std::string one("\x01", 1), zero("\x00", 1), side("\x10", 1);
  const std::string video = element("\xE0", element("\xB0", side) + element("\xBA", side));
  const std::string track = element("\xD7", one) + element("\x73\xC5", one) + element("\x83", one) +
                            element("\x86", "V_MJPEG") + video;
  const std::string block = std::string("\x81\x00\x00\x80", 4) + picture;
  return element("\x1A\x45\xDF\xA3", element("\x42\x82", "matroska")) +
         element("\x18\x53\x80\x67",
                 element("\x15\x49\xA9\x66", element("\x2A\xD7\xB1", std::string("\x0F\x42\x40", 3))) +
                     element("\x16\x54\xAE\x6B", element("\xAE", track)) +
                     element("\x1F\x43\xB6\x75", element("\xE7", zero) + element("\xA3", block)));
}

double sine_at(double hertz, int64_t sample, double rate) {
  return std::sin(2 * std::numbers::pi * hertz * static_cast<double>(sample) / rate);
}

}  // namespace

TEST_CASE("an mp3 named .wav is read as what it is, whole and in spans") {
  D2V_NEED_TEST_DATA("datasets/speech/odd/pydub_test1.mp3");
  const test::TemporaryFolder folder;
  const fs::path original = test::test_data() / "datasets/speech/odd/pydub_test1.mp3";
  const fs::path renamed = folder.path() / "speech.wav";
  fs::copy_file(original, renamed);
  const AudioInfo info = read_audio_info(renamed), wanted = read_audio_info(original);
  CHECK(info.codec == "mp3");
  CHECK(info.rate == wanted.rate);
  CHECK(info.samples == wanted.samples);
  const AudioReader reader(16000);
  const std::vector<float> whole = reader.read_all(renamed, kMinute);
  CHECK(whole == reader.read_all(original, kMinute));
  REQUIRE(whole.size() > 20000);
  std::vector<float> span(4000);
  AudioScratch scratch;
  reader.read(renamed, 12345, span, scratch);
  CHECK(std::equal(span.begin(), span.end(), whole.begin() + 12345));
}

TEST_CASE("a film without sound is refused by name, as a file of a folder too") {
  const test::TemporaryFolder folder;
  const fs::path film = folder.path() / "film.mkv";
  test::write(film, silent_film());
  CHECK(
      contains(test::message_of<DataError>([&] { read_audio_info(film); }), "film.mkv: has no audio stream"));

  for (int i = 0; i < 3; ++i)
    test::write(folder.path() / fmt::format("{}.wav", i), test::wav_bytes(test::tone(1, 16000), 16000));
  DataConfig data;
  data.max_bad_fraction = 0.3;
  SpeechConfig speech;
  speech.min_seconds = 0.5;
  const FolderSource source = scan_recordings(folder.path(), data, speech, {.cache = {}, .threads = 1});
  CHECK(source.size() == 3);
  CHECK(source.report.broken == 1);
  REQUIRE(source.left_out_files.size() == 1);
  CHECK(source.left_out_files[0].path == "film.mkv");
  CHECK(contains(source.left_out_files[0].reason, "has no audio stream"));
  data.max_bad_fraction = 0.1;
  CHECK(contains(test::message_of<DataError>(
                     [&] { scan_recordings(folder.path(), data, speech, {.cache = {}, .threads = 1}); }),
                 "1 of 4 recordings cannot be read"));
}

TEST_CASE("48 kHz in stereo becomes 16 kHz mono: the mean of both channels, in tune") {
  const test::TemporaryFolder folder;
  constexpr int64_t frames = 48000;
  std::vector<int16_t> stereo;
  for (int64_t i = 0; i < frames; ++i) {
    stereo.push_back(static_cast<int16_t>(std::lround(12000 * sine_at(440, i, 48000))));
    stereo.push_back(static_cast<int16_t>(std::lround(6000 * sine_at(1000, i, 48000))));
  }
  const fs::path file = folder.path() / "stereo.wav";
  test::write(file, test::wav_bytes(stereo, 48000, 2));
  const AudioInfo info = read_audio_info(file);
  CHECK(info.rate == 48000);
  CHECK(info.channels == 2);
  CHECK(info.samples == frames);
  const AudioReader reader(16000);
  CHECK(reader.length(info) == 16000);
  const std::vector<float> mono = reader.read_all(file, kMinute);
  REQUIRE(mono.size() == 16000);
  double worst = 0;
  for (int64_t i = 200; i < 15800; ++i) {  // away from the ends, before and after which there is silence
    const double wanted = (12000 * sine_at(440, i, 16000) + 6000 * sine_at(1000, i, 16000)) / 2 / 32768;
    worst = std::max(worst, std::abs(mono[static_cast<size_t>(i)] - wanted));
  }
  CHECK(worst < 1e-3);
  std::vector<float> span(777);
  AudioScratch scratch;
  reader.read(file, 5001, span, scratch);
  CHECK(std::equal(span.begin(), span.end(), mono.begin() + 5001));
}
