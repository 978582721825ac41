// Plain WAV files without FFmpeg: the samples of FFmpeg's decoders; what is not plain is left to it.
#include "../../pipeline/plain_wav.h"

#include "audio_support.h"
#include "d2v/base/check.h"
#include "encode_audio.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

bool is_plain(std::string bytes) {
  const std::span<const uint8_t> span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return plain_wav(OpenBytes(ByteSource(span, "a.wav"))).has_value();
}

}  // namespace

TEST_CASE("all codings and numbers of channels: the samples of FFmpeg's decoders") {
  const test::TemporaryFolder folder;
  for (const char* encoder : {"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
    for (const int channels : {1, 2, 5}) {
      INFO(encoder, ", ", channels, " channels");
      const fs::path file = folder.path() / "sound.wav";
      const std::string_view name(encoder);
      REQUIRE(test::encode_audio(file,
                                 {.encoder = encoder,
                                  .container = "wav",
                                  .rate = 22050,
                                  .channels = channels,
                                  .bits = name.find("24") != name.npos   ? 24
                                          : name.find("32") != name.npos ? 32
                                                                         : 16},
                                 test::busy_sound(0.9, 22050, channels)));
      const OpenBytes open{ByteSource(file)};
      const auto wav = plain_wav(open);
      REQUIRE(wav);
      CHECK(wav->info.codec == encoder);
      CHECK(AudioReader(22050).read_all(file, 1 << 30) == test::decoded_by_ffmpeg(file));
    }
}

TEST_CASE("what is unusual is left to FFmpeg") {
  const std::string good = test::wav_bytes(test::tone(0.5, 16000), 16000);
  CHECK(is_plain(good));
  const auto changed = [&](size_t at, std::string_view bytes) {
    std::string other = good;
    other.replace(at, bytes.size(), bytes);
    return other;
  };
  CHECK_FALSE(is_plain(changed(0, "RIFX")));
  CHECK_FALSE(is_plain(changed(20, "\x07")));                           // mu-law
  CHECK_FALSE(is_plain(changed(22, std::string_view("\0\0", 2))));      // no channels
  CHECK_FALSE(is_plain(changed(24, std::string_view("\0\0\0\0", 4))));  // no rate
  CHECK_FALSE(is_plain(changed(32, "\x03")));                           // padded samples
  CHECK_FALSE(is_plain(changed(34, "\x0c")));                           // 12 bits
  CHECK_FALSE(is_plain(changed(40, "\xff\xff\xff\xff")));               // piped: length not known
  CHECK_FALSE(is_plain(changed(44, "\xfe\x7f\x01\x80")));               // DTS in the guise of PCM
  CHECK_FALSE(is_plain(good.substr(0, good.size() - 1)));               // cut
  CHECK_FALSE(is_plain(good.substr(0, 40)));
  // Other chunks do not matter, in front of the sound or behind it.
  std::string more = good;
  more.insert(36, std::string("LIST\x03\0\0\0abc\0", 12));
  CHECK(is_plain(more + "junk"));
}

TEST_CASE("the recordings of the data sets are all read without FFmpeg, as FFmpeg reads them") {
  D2V_NEED_TEST_DATA("datasets/speech/ljspeech-mini");
  int files = 0;
  for (const auto& entry : fs::directory_iterator(test::test_data() / "datasets/speech/ljspeech-mini")) {
    if (entry.path().extension() != ".wav") continue;
    ++files;
    const OpenBytes open{ByteSource(entry.path())};
    CHECK(plain_wav(open));
    CHECK(AudioReader(22050).read_all(entry.path(), 1 << 30) == test::decoded_by_ffmpeg(entry.path()));
  }
  CHECK(files == 12);
}
