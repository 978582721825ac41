// Audio files: what comes out, spans against the whole, and every bad file by name.
#include "d2v/pipeline/audio_reader.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "odd_files.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kHour = 3600 * 16000;

std::vector<float> read_span(const AudioReader& reader, const fs::path& file, int64_t first, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  AudioScratch scratch;
  reader.read(file, first, out, scratch);
  return out;
}

std::string audio_error(const fs::path& file) {
  return test::message_of<DataError>([&] { AudioReader(16000).read_all(file, kHour); });
}

int64_t resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE) / (1 << 20);
}

}  // namespace

TEST_CASE("16-bit samples become themselves divided by 32768; channels are averaged") {
  const test::TemporaryFolder folder;
  const std::vector<int16_t> samples = test::tone(0.5, 16000);
  test::write(folder.path() / "mono.wav", test::wav_bytes(samples, 16000));
  const std::vector<float> mono = AudioReader(16000).read_all(folder.path() / "mono.wav", kHour);
  REQUIRE(mono.size() == samples.size());
  for (size_t i = 0; i < samples.size(); ++i) CHECK(mono[i] == static_cast<float>(samples[i]) / 32768);

  std::vector<int16_t> six;
  for (const int16_t x : samples)
    for (int c = 0; c < 6; ++c) six.push_back(static_cast<int16_t>(c < 3 ? x : 0));
  test::write(folder.path() / "six.wav", test::wav_bytes(six, 16000, 6));
  const std::vector<float> mixed = AudioReader(16000).read_all(folder.path() / "six.wav", kHour);
  for (size_t i = 0; i < samples.size(); ++i) CHECK(mixed[i] == doctest::Approx(mono[i] / 2).epsilon(1e-6));
}

TEST_CASE("the header tells codec, rate, channels and length") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a.wav", test::wav_bytes(test::tone(1, 44100), 44100, 2));
  const AudioInfo info = read_audio_info(folder.path() / "a.wav");
  CHECK(info.codec == "pcm_s16le");
  CHECK(info.rate == 44100);
  CHECK(info.channels == 2);
  CHECK(info.samples == 22050);
  CHECK(AudioReader(16000).length(info) == 8000);
}

TEST_CASE("a header with an absurd sample rate is refused before anything is made for it") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "fast.wav", test::wav_bytes(test::tone(1, 8000), 9'999'999));
  CHECK(contains(test::message_of<DataError>([&] { read_audio_info(folder.path() / "fast.wav"); }),
                 "fast.wav: expected at most 1000000 samples a second, its header says 9999999"));
  test::write(folder.path() / "radio.wav", test::wav_bytes(test::tone(1, 8000), 1'000'000));
  CHECK(AudioReader(16000).read_all(folder.path() / "radio.wav", kHour).size() == 128);
}

TEST_CASE("a span has the bits of the whole: WAV, FLAC, mp3, Vorbis, Opus, AAC, at any place and rate") {
  D2V_NEED_TEST_DATA("datasets/speech/odd");
  const fs::path odd = test::test_data() / "datasets/speech/odd";
  Philox random({.seed = 3});
  for (const char* name :
       {"pydub_test1-24bit.wav", "gen_16k.flac", "librosa_test_audio.flac", "gen_s24.flac",
        "tt_with_id3_header.flac", "pydub_test1.mp3", "pydub_party.mp3", "tc_nasa_13013.mp4.audio.mp3",
        "gen_16k.ogg", "pydub_bach.ogg", "gen_48k.opus", "pydub_format_test.m4a", "gen_big_endian.aiff",
        "gen_8k_mulaw.wav", "tt_adpcm.wav"}) {
    for (const int64_t rate : {0, 16000}) {
      INFO(name, " at ", rate);
      const AudioReader reader(rate > 0 ? rate : read_audio_info(odd / name).rate);
      const std::vector<float> whole = reader.read_all(odd / name, kHour);
      CHECK(static_cast<int64_t>(whole.size()) == reader.length(read_audio_info(odd / name)));
      const auto size = static_cast<uint32_t>(whole.size());
      for (int i = 0; i < 8; ++i) {
        const uint32_t count = 1 + random.below(std::min(size, 20000u)),
                       first = random.below(size - count + 1);
        CHECK(std::ranges::equal(read_span(reader, odd / name, first, count),
                                 std::span(whole).subspan(first, count)));
      }
      const uint32_t last = std::min(size, 100u);
      CHECK(
          std::ranges::equal(read_span(reader, odd / name, size - last, last), std::span(whole).last(last)));
    }
  }
}

TEST_CASE("an mp3 is read no further than the span, and its length found where a span meets the end") {
  D2V_NEED_TEST_DATA("datasets/speech/odd");
  const fs::path file = test::test_data() / "datasets/speech/odd/pydub_test1.mp3";
  const AudioReader reader(16000);
  AudioScratch scratch;
  StageTimes times;
  scratch.times = &times;
  std::vector<float> beginning(1000), end(100);
  reader.read(file, 0, beginning, scratch);
  CHECK(times.bytes < static_cast<int64_t>(fs::file_size(file)) / 2);
  const int64_t length = reader.length(read_audio_info(file));
  const std::vector<float> whole = reader.read_all(file, kHour);
  CHECK(static_cast<int64_t>(whole.size()) == length);
  reader.read(file, length - 100, end, scratch);
  CHECK(std::ranges::equal(end, std::span(whole).last(100)));
  CHECK_THROWS_AS(reader.read(file, length - 99, end, scratch), DataError);
  CHECK(reader.read_all(file, 5000) == std::vector<float>(whole.begin(), whole.begin() + 5000));
}

TEST_CASE("every odd recording is read as its manifest says, or refused by name") {
  D2V_NEED_TEST_DATA("datasets/speech/odd");
  const fs::path odd = test::test_data() / "datasets/speech/odd";
  int files = 0;
  for (const test::OddFile& file : test::odd_recordings()) {
    INFO(file.name);
    ++files;
    const std::string error = audio_error(odd / file.name);
    if (!file.usable) {
      CHECK(contains(error, file.name));
      if (file.ok) CHECK(contains(error, test::kOddRecordings.at(file.name)));
      continue;
    }
    CHECK(error == "(no error)");
    if (error != "(no error)") continue;
    const AudioInfo info = read_audio_info(odd / file.name);
    CHECK(info.codec == file.fields[2]);
    CHECK(info.rate == std::stoll(file.fields[3]));
    CHECK(info.channels == std::stoll(file.fields[4]));
    CHECK(static_cast<double>(info.samples) == doctest::Approx(std::stod(file.fields[5])).epsilon(0.02));
  }
  CHECK(files == 68);
}

TEST_CASE("what is not a recording is refused with a reason") {
  const test::TemporaryFolder folder;
  const fs::path at = folder.path();
  CHECK(contains(audio_error(at / "missing.wav"), "missing.wav: No such file"));
  CHECK(contains(audio_error(at), "not a file"));
  test::write(at / "empty.wav", "");
  CHECK(contains(audio_error(at / "empty.wav"), "the file is empty"));
  test::write(at / "text.wav", "some words, no sound");
  CHECK(contains(audio_error(at / "text.wav"), "not an audio file"));
  const std::string whole = test::wav_bytes(test::tone(1, 16000), 16000);
  test::write(at / "whole.wav", whole);
  test::write(at / "cut.wav", whole.substr(0, 20000));
  CHECK(contains(audio_error(at / "cut.wav"),
                 "truncated: its header says 32000 bytes of sound, the file has 19956"));
  std::string no_rate = whole;
  no_rate.replace(24, 4, std::string(4, '\0'));
  test::write(at / "rate.wav", no_rate);
  CHECK(contains(audio_error(at / "rate.wav"), "rate.wav: "));
  std::vector<float> broken(1000, 0.5f);
  broken[700] = std::nanf("");
  test::write(at / "nan.wav", test::wav_bytes(broken, 1000));
  CHECK(contains(audio_error(at / "nan.wav"), "NaN or infinity near 0.700 s"));
  CHECK(contains(
      test::message_of<DataError>([&] { read_span(AudioReader(16000), at / "whole.wav", 15995, 10); }),
      "the recording ends after 1.00 s"));
}

TEST_CASE("a header that promises more than a recording can have is refused") {
  // Sony Wave64: chunks by GUID with sizes of 64 bits; `fact` says how many samples there are.
  const std::string tail("\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", 12);
  const auto number = [](uint64_t value) { return std::string(reinterpret_cast<const char*>(&value), 8); };
  const std::string format = test::wav_bytes(std::vector<int16_t>{}, 16000).substr(20, 16);
  const auto w64 = [&](uint64_t samples) {
    return "riff" + std::string("\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", 12) + number(336) +
           "wave" + tail + "fmt " + tail + number(40) + format + "fact" + tail + number(32) +
           number(samples) + "data" + tail + number(224) + std::string(200, 'x');
  };
  const test::TemporaryFolder folder;
  test::write(folder.path() / "good.w64", w64(100));
  CHECK(read_audio_info(folder.path() / "good.w64").samples == 100);
  test::write(folder.path() / "long.w64", w64(uint64_t{1} << 60));
  CHECK(contains(audio_error(folder.path() / "long.w64"),
                 "long.w64: broken audio file: expected at most 2^40 samples"));
}

TEST_CASE("no playlist or script is followed") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "sound.wav", test::wav_bytes(test::tone(1, 16000), 16000));
  test::write(folder.path() / "list.m3u8",
              "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsound.wav\n#EXT-X-ENDLIST\n");
  test::write(folder.path() / "list.ffconcat", "ffconcat version 1.0\nfile sound.wav\n");
  CHECK(contains(audio_error(folder.path() / "list.m3u8"), "not an audio file"));
  CHECK(contains(audio_error(folder.path() / "list.ffconcat"), "not an audio file"));
}

TEST_CASE("of ten hours only the span is in memory") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "long.wav";
  const int64_t samples = 10 * kHour, where = 9 * kHour + 12345;
  std::string header = test::wav_bytes(std::vector<int16_t>{}, 16000);
  const auto bytes = static_cast<uint32_t>(samples * 2), riff = bytes + 36;
  std::memcpy(header.data() + 4, &riff, 4);
  std::memcpy(header.data() + 40, &bytes, 4);
  const std::vector<int16_t> noise = test::tone(1, 16000);
  {
    std::ofstream out(file, std::ios::binary);
    out << header;
    out.seekp(44 + where * 2);
    out.write(reinterpret_cast<const char*>(noise.data()), static_cast<std::streamsize>(noise.size() * 2));
    out.seekp(44 + samples * 2 - 1);
    out.put('\0');
  }
  const AudioReader reader(16000);
  CHECK(reader.length(read_audio_info(file)) == samples);
  const int64_t before = resident_megabytes();
  const std::vector<float> span = read_span(reader, file, where, 16000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these keep memory of their own
  CHECK(resident_megabytes() - before < 32);
#else
  static_cast<void>(before);
#endif
  for (size_t i = 0; i < span.size(); ++i) CHECK(span[i] == static_cast<float>(noise[i]) / 32768);
}
