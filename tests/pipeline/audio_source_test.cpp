// Audio folders: lengths, what is left out and why, the cache, splits.
#include "d2v/pipeline/audio_source.h"

#include <set>

#include "../../pipeline/length_cache.h"
#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/image_splits.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

const SpeechConfig kHalfSecond{.min_seconds = 0.5};

DataConfig allow_bad(double fraction) {
  DataConfig config;
  config.max_bad_fraction = fraction;
  return config;
}

void write_tone(const fs::path& file, double seconds, int rate = 16000) {
  test::write(file, test::wav_bytes(test::tone(seconds, rate), rate));
}

}  // namespace

TEST_CASE("recordings have lengths at the wanted rate; classes are sub-folders") {
  const test::TemporaryFolder folder;
  write_tone(folder.path() / "anna/1.wav", 1);
  write_tone(folder.path() / "bob/deep/2.WAV", 2, 44100);
  test::write(folder.path() / "bob/notes.txt", "x");
  const FolderSource source = scan_recordings(folder.path(), {}, kHalfSecond, {});
  REQUIRE(source.size() == 2);
  CHECK(source.modality() == Modality::speech);
  CHECK(source.classes == std::vector<std::string>{"anna", "bob"});
  CHECK(source.length(0) == 16000);
  CHECK(source.length(1) == 32000);
  CHECK(source.id(1) == path_id("bob/deep/2.WAV"));
  CHECK(contains(describe(source), "2 recordings"));
  CHECK(contains(source_identity(source), "2 recordings, "));
}

TEST_CASE("short and broken recordings are left out by name") {
  const test::TemporaryFolder folder;
  write_tone(folder.path() / "good.wav", 1);
  write_tone(folder.path() / "short.wav", 0.2);
  write_tone(folder.path() / "tiny.wav", 0.001);
  test::write(folder.path() / "broken.wav", "no sound");
  test::write(folder.path() / "empty.flac", "");
  const FolderSource source = scan_recordings(folder.path(), allow_bad(0.5), kHalfSecond, {});
  CHECK(source.size() == 1);
  CHECK(source.report.broken == 2);
  CHECK(source.report.too_short == 2);
  REQUIRE(source.left_out().size() == 4);
  CHECK(source.left_out()[0].path == "broken.wav");
  CHECK(contains(source.left_out()[0].reason, "not an audio file"));
  CHECK(contains(source.left_out()[1].reason, "the file is empty"));
  CHECK(contains(source.left_out()[2].reason, "0.20 s are shorter than 0.50 s"));
  CHECK(!source.left_out()[2].broken);
  // One frame of the feature extractor is the least, whatever speech.min_seconds says.
  CHECK(scan_recordings(folder.path(), allow_bad(0.5), {.min_seconds = 0}, {}).report.too_short == 1);
  CHECK(contains(test::message_of<DataError>([&] { scan_recordings(folder.path(), {}, kHalfSecond, {}); }),
                 "2 of 5 recordings cannot be read, more than data.max_bad_fraction 0.01"));
  CHECK(contains(test::message_of<DataError>(
                     [&] { scan_recordings(folder.path(), allow_bad(1), {.min_seconds = 30}, {}); }),
                 "none of its 5 recordings is at least 30.00 s long"));
}

TEST_CASE("lengths are kept in a cache until the file changes; a damaged cache is made again") {
  const test::TemporaryFolder folder, elsewhere;
  const fs::path cache = elsewhere.path() / "deep/lengths.bin";
  write_tone(folder.path() / "a.wav", 1);
  write_tone(folder.path() / "b.wav", 2);
  const auto lengths = [&] {
    const FolderSource source = scan_recordings(folder.path(), {}, kHalfSecond, {.cache = cache});
    return std::vector<int64_t>{source.length(0), source.length(1)};
  };
  CHECK(lengths() == std::vector<int64_t>{16000, 32000});
  REQUIRE(fs::exists(cache));
  // Same size and time of change: taken from the cache, unread.
  const auto changed = fs::last_write_time(folder.path() / "a.wav");
  test::write(folder.path() / "a.wav", std::string(fs::file_size(folder.path() / "a.wav"), 'x'));
  fs::last_write_time(folder.path() / "a.wav", changed);
  CHECK(lengths() == std::vector<int64_t>{16000, 32000});
  write_tone(folder.path() / "a.wav", 3);
  CHECK(lengths() == std::vector<int64_t>{48000, 32000});
  test::write(cache, "damaged, and longer than its header");
  CHECK(lengths() == std::vector<int64_t>{48000, 32000});
}

TEST_CASE("train and test folders, and shares, work as for pictures") {
  const test::TemporaryFolder folder;
  for (const char* name : {"train/a/1.wav", "train/b/1.wav", "test/a/2.wav"})
    write_tone(folder.path() / name, 1);
  const FolderSource source = scan_recordings(folder.path(), {}, kHalfSecond, {});
  CHECK(source.split_folders);
  const ImageSplits splits = split_source(source, 0, 0, 1);
  CHECK(splits.train == std::vector<uint32_t>{1, 2});
  CHECK(splits.test == std::vector<uint32_t>{0});
  const std::vector<uint32_t> rows{2};
  CHECK(subset(source, rows).modality() == Modality::speech);
  CHECK(subset(source, rows).length(0) == 16000);
}

TEST_CASE("a cache of lengths that no recording can have is not believed") {
  const test::TemporaryFolder folder;
  write_tone(folder.path() / "a.wav", 1);
  const fs::path cache = folder.path() / "lengths.bin";
  const auto length = [&] {
    return scan_recordings(folder.path(), {}, kHalfSecond, {.cache = cache}).length(0);
  };
  CHECK(length() == 16000);
  const auto known = read_length_cache(cache);
  REQUIRE(known.size() == 1);
  CachedLength record = known.begin()->second;
  record.samples *= 2;  // the file's stamp fits, so this is believed
  write_length_cache(cache, {record});
  CHECK(length() == 32000);
  record.rate = 0;
  write_length_cache(cache, {record});
  CHECK(length() == 16000);
  record = known.begin()->second;
  record.samples = int64_t{1} << 60;
  write_length_cache(cache, {record});
  CHECK(length() == 16000);
}

TEST_CASE("the odd recordings beside good ones: every file is used or named") {
  D2V_NEED_TEST_DATA("datasets/speech/odd");
  const FolderSource source =
      scan_recordings(test::test_data() / "datasets/speech/odd", allow_bad(1), {.min_seconds = 0.1}, {});
  std::set<std::string> named;
  for (const BadFile& file : source.left_out()) {
    named.insert(file.path);
    CHECK(contains(file.reason, file.path));
  }
  for (const char* name : {"gen_zero_byte.wav", "gen_header_only.wav", "gen_rate_zero.wav", "gen_text.wav",
                           "gen_short_100.wav", "gen_one_sample.wav", "gen_truncated_half.wav"})
    CHECK(named.contains(name));
  CHECK(source.size() + named.size() + static_cast<size_t>(source.report.other_files) == 69);
}
