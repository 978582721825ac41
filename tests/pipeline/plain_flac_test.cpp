// FLAC without FFmpeg: the samples of FFmpeg's decoder for everything that its encoder makes, and FFmpeg's judgement of what is
// broken.
#include "../../pipeline/plain_flac.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "encode_audio.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

std::vector<uint8_t> contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Samples first, first + 1, …; empty where it is left to FFmpeg.
std::vector<float> plain_span(const std::vector<uint8_t>& bytes, int64_t first, int64_t count) {
  const OpenBytes open(ByteSource(bytes, "sound.flac"));
  const auto flac = plain_flac(open);
  if (!flac) return {};
  if (count < 0) count = flac->info.samples;
  std::vector<float> out(static_cast<size_t>(count));
  std::vector<uint8_t> buffer;
  std::vector<int32_t> planes;
  return read_plain_flac(*flac, open, first, out, buffer, planes, nullptr, nullptr) ? out
                                                                                    : std::vector<float>{};
}

std::vector<uint8_t> flac_bytes(const test::EncodedAs& as, const std::vector<float>& sound,
                                std::vector<float>& full) {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "sound.flac";
  REQUIRE(test::encode_audio(file, as, sound));
  full = test::decoded_by_ffmpeg(file);
  return contents(file);
}

}  // namespace

TEST_CASE(
    "every kind of frame: fixed and linear prediction of all orders, stereo, 24 bits, up to eight channels") {
  using Options = std::vector<std::pair<const char*, const char*>>;
  const std::vector<Options> kinds{
      {{"compression_level", "0"}},
      {{"compression_level", "5"}},
      {{"compression_level", "12"}},
      {{"lpc_type", "none"}},
      {{"lpc_type", "fixed"}, {"frame_size", "192"}},
      {{"min_prediction_order", "1"}, {"max_prediction_order", "1"}, {"lpc_type", "levinson"}},
      {{"min_prediction_order", "14"}, {"max_prediction_order", "14"}, {"lpc_type", "levinson"}},
      {{"min_prediction_order", "22"}, {"max_prediction_order", "23"}, {"lpc_type", "levinson"}},
      {{"min_prediction_order", "32"}, {"max_prediction_order", "32"}, {"lpc_type", "cholesky"}},
      {{"ch_mode", "left_side"}},
      {{"ch_mode", "right_side"}},
      {{"ch_mode", "mid_side"}, {"frame_size", "4608"}}};
  for (const Options& options : kinds)
    for (const int channels : {1, 2, 6})
      for (const int bits : {16, 24}) {
        INFO(options[0].first, " ", options[0].second, ", ", channels, " channels, ", bits, " bits");
        std::vector<float> full;
        const std::vector<uint8_t> bytes =
            flac_bytes({.rate = 44100, .channels = channels, .bits = bits, .options = options},
                       test::busy_sound(0.3, 44100, channels), full);
        CHECK(plain_span(bytes, 0, -1) == full);
      }
}

TEST_CASE("silence, full scale and noise") {
  for (const int kind : {0, 1, 2}) {
    Philox random({.seed = 9});
    std::vector<float> sound(30000), full;
    for (size_t i = 0; i < sound.size(); ++i) {
      const float noise = static_cast<float>(random.below(65536)) / 32768.0f - 1.0f;
      sound[i] = kind == 0 ? 0.0f : kind == 1 ? (i % 37 < 18 ? 1.0f : -1.0f) : noise;
    }
    for (const int bits : {16, 24}) {
      INFO("kind ", kind, ", ", bits, " bits");
      const auto bytes = flac_bytes({.rate = 16000, .channels = 2, .bits = bits}, sound, full);
      CHECK(plain_span(bytes, 0, -1) == full);
    }
  }
}

TEST_CASE("a span is entered by a search through the file") {
  std::vector<float> full;
  const auto bytes = flac_bytes({.rate = 16000, .channels = 1}, test::busy_sound(40, 16000, 1), full);
  Philox random({.seed = 2});
  for (int i = 0; i < 60; ++i) {
    const int64_t first = random.below(static_cast<uint32_t>(full.size()) - 100);
    INFO("from ", first);
    CHECK(std::ranges::equal(plain_span(bytes, first, 100),
                             std::span(full).subspan(static_cast<size_t>(first), 100)));
  }
  const OpenBytes open(ByteSource(bytes, "sound.flac"));
  const auto flac = plain_flac(open);
  REQUIRE(flac);
  StageTimes times;
  std::vector<float> out(10);
  std::vector<uint8_t> buffer;
  std::vector<int32_t> planes;
  CHECK(read_plain_flac(*flac, open, 39 * 16000, out, buffer, planes, nullptr, &times));
  CHECK(times.bytes < static_cast<int64_t>(bytes.size()) / 2);
}

TEST_CASE("what is broken is left to FFmpeg, which refuses it; what lies in front is read") {
  std::vector<float> full;
  const auto bytes = flac_bytes({.rate = 16000, .channels = 1}, test::busy_sound(5, 16000, 1), full);
  Philox random({.seed = 4});
  for (int i = 0; i < 40; ++i) {
    std::vector<uint8_t> broken = bytes;
    const size_t at = broken.size() / 2 + random.below(static_cast<uint32_t>(broken.size() / 4));
    broken[at] = static_cast<uint8_t>(broken[at] ^ 1u << random.below(8));
    INFO("a bit of byte ", at);
    CHECK(plain_span(broken, 0, -1).empty());
    CHECK(std::ranges::equal(plain_span(broken, 100, 5000), std::span(full).subspan(100, 5000)));
    CHECK(contains(test::message_of<DataError>([&] {
                     AudioReader(16000).read_all(ByteSource(broken, "sound.flac"), int64_t{1} << 40);
                   }),
                   "sound.flac: "));
  }
  const std::vector<uint8_t> cut(bytes.begin(),
                                 bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2));
  CHECK(plain_span(cut, 0, -1).empty());
}

TEST_CASE("the recordings of the data set are all read without FFmpeg, as FFmpeg reads them") {
  D2V_NEED_TEST_DATA("datasets/speech/librispeech-mini");
  int files = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(test::test_data() / "datasets/speech/librispeech-mini")) {
    if (entry.path().extension() != ".flac" || ++files > 20) continue;
    INFO(entry.path().string());
    CHECK(plain_span(contents(entry.path()), 0, -1) == test::decoded_by_ffmpeg(entry.path()));
  }
  CHECK(files == 160);
}
