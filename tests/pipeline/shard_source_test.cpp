// Tar shards as samples: keys, extensions, labels, splits, damage; pictures and recordings read from them.
#include "d2v/pipeline/shard_source.h"

#include <set>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/open_samples.h"
#include "loader_support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;
namespace fs = std::filesystem;

namespace {

std::string picture(int variant) { return pnm_bytes(formula_image(20, 24, variant)); }

FolderSource scan(const fs::path& path, const DataConfig& config = {}, const fs::path& cache = {}) {
  return scan_shards(path, config, pictures_kind(), {.cache = cache, .threads = 1});
}

std::vector<std::string> paths_of(const FolderSource& source) {
  std::vector<std::string> paths;
  for (const FolderSample& sample : source.samples) paths.push_back(sample.path);
  return paths;
}

std::vector<std::string> classes_of(const FolderSource& source) {
  std::vector<std::string> names;
  for (const FolderSample& sample : source.samples)
    names.push_back(sample.label < 0 ? "-" : source.classes[static_cast<size_t>(sample.label)]);
  return names;
}

// Twenty labelled pictures, ten in each of two shards.
void write_two_shards(const fs::path& folder) {
  for (int s = 0; s < 2; ++s) {
    std::string tar;
    for (int i = 10 * s; i < 10 * s + 10; ++i)
      tar += tar_entry(fmt::format("{:04}.ppm", i), picture(i)) +
             tar_entry(fmt::format("{:04}.cls", i), std::to_string(i % 3));
    write(folder / fmt::format("data-{}.tar", s), tar + tar_end());
  }
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("entries with one key are one sample, in any order; its class is what .cls says, else .json") {
  const TemporaryFolder folder;
  write(folder.path() / "s.tar", tar_entry("b.cls", "10") + tar_entry("a.jpg", "A") +
                                     tar_entry("b.jpg", "B") + tar_entry("a.json", R"({"label": 9})") +
                                     tar_entry("b.json", R"({"label": 1})") + tar_entry("b.txt", "caption") +
                                     tar_entry("c.jpg", "C") + tar_entry("only.txt", "no picture") +
                                     tar_end());
  const FolderSource source = scan(folder.path());
  CHECK(paths_of(source) == Texts{"s.tar/a", "s.tar/b", "s.tar/c"});
  CHECK(source.classes == Texts{"9", "10"});  // by value
  CHECK(classes_of(source) == Texts{"9", "10", "-"});
  CHECK(source.report.other_files == 2);
  CHECK(source.id(0) == path_id("s.tar/a"));
  std::vector<uint8_t> bytes;
  source.read(1, bytes);
  CHECK(bytes == std::vector<uint8_t>{'B'});
  CHECK(contains(describe(source), "3 pictures"));
  CHECK(contains(describe(scan(folder.path() / "s.tar")), "s.tar, 2 classes"));
  CHECK(scan(folder.path() / "s.tar").id(0) == source.id(0));
}

TEST_CASE("of several pictures with a key the one with the plain extension is taken, else the first") {
  const TemporaryFolder folder;
  write(folder.path() / "s.tar", tar_entry("a.left.png", "L") + tar_entry("a.png", "P") +
                                     tar_entry("b.x.jpg", "1") + tar_entry("b.y.jpg", "2") +
                                     tar_entry("c.PNG", "upper"));
  const FolderSource source = scan(folder.path());
  std::string read;
  for (size_t row = 0; row < 3; ++row) {
    std::vector<uint8_t> bytes;
    source.read(row, bytes);
    read += static_cast<char>(bytes[0]);
  }
  CHECK(read == "P1u");
  CHECK(source.report.other_files == 2);
}

TEST_CASE(
    "without labels the first folder within the tar is the class; shards in train and test are splits") {
  const TemporaryFolder folder;
  write(folder.path() / "train/0.tar", tar_entry("cat/1.jpg", "1") + tar_entry("dog/2.jpg", "2"));
  write(folder.path() / "test/0.tar", tar_entry("dog/1.jpg", "3"));
  const FolderSource source = scan(folder.path());
  CHECK(source.classes == Texts{"cat", "dog"});
  CHECK(source.split_folders);
  CHECK(paths_of(source) == Texts{"test/0.tar/dog/1", "train/0.tar/cat/1", "train/0.tar/dog/2"});
  CHECK(source.samples[0].split == Split::test);
  CHECK(source.samples[2].split == Split::train);
  CHECK(has_shards(folder.path()));
  CHECK(has_shards(folder.path() / "test/0.tar"));
  CHECK(!has_shards(folder.path() / "nowhere"));
}

TEST_CASE("deduplicate and min_class_files work as for folders") {
  const TemporaryFolder folder;
  write(folder.path() / "s.tar", tar_entry("a/1.jpg", "same") + tar_entry("a/2.jpg", "same") +
                                     tar_entry("a/3.jpg", "else") + tar_entry("b/1.jpg", "one"));
  DataConfig config;
  config.deduplicate = true;
  config.min_class_files = 2;
  const FolderSource source = scan(folder.path(), config);
  CHECK(paths_of(source) == Texts{"s.tar/a/1", "s.tar/a/3"});
  CHECK(source.report.duplicates == 1);
  CHECK(source.report.small_classes == 1);
}

TEST_CASE("damage counts by its bytes: named where it is little, an error where it is much") {
  const TemporaryFolder folder;
  std::string good;
  for (int i = 0; i < 60; ++i) good += tar_entry(fmt::format("{}.jpg", i), "x");
  write(folder.path() / "good.tar", good);
  write(folder.path() / "text.tar", "no tar");
  write(folder.path() / "cut.tar", tar_entry("a.jpg", "1") + tar_header("b.jpg", 5000) + "cut here");
  // 520 of 1,544 bytes of one shard and all 6 of another, of 62,990.
  DataConfig config;
  config.max_bad_fraction = 0.008;
  CHECK(contains(
      message_of<DataError>([&] { scan(folder.path(), config); }),
      "0.84% of the bytes of its 3 shards are lost to damage, more than data.max_bad_fraction 0.008"));
  config.max_bad_fraction = 0.01;
  const FolderSource source = scan(folder.path(), config);
  CHECK(source.size() == 61);
  REQUIRE(source.left_out().size() == 2);
  CHECK(source.left_out()[0].path == "cut.tar/b.jpg");
  CHECK(contains(source.left_out()[0].reason, "expected 5000 bytes, found 8"));
  CHECK(source.left_out()[1].path == "text.tar");
  CHECK(contains(source.left_out()[1].reason, "not a tar file"));
  CHECK(source.report.broken == 2);
}

TEST_CASE("a shard that changes after it was listed is an error of its samples, never another's bytes") {
  const TemporaryFolder folder;
  const fs::path shard = folder.path() / "s.tar";
  write(shard, tar_entry("a.jpg", "A") + tar_entry("b.jpg", "B"));
  const FolderSource source = scan(folder.path());
  write(shard, tar_entry("b.jpg", "B") + tar_entry("a.jpg", "A"));
  fs::last_write_time(shard, fs::file_time_type::clock::now() + std::chrono::seconds(5));
  std::vector<uint8_t> bytes;
  CHECK(contains(message_of<DataError>([&] { source.read(0, bytes); }), "was changed since it was listed"));
}

TEST_CASE("no shards, shards without pictures: errors that say what was looked for") {
  const TemporaryFolder folder;
  write(folder.path() / "s.tar", tar_entry("a.txt", "x"));
  CHECK(contains(message_of<DataError>([&] { scan(folder.path()); }),
                 "no picture among the entries of its 1 shards"));
  CHECK(contains(message_of<DataError>([&] { scan(folder.path() / "gone.tar"); }), "no such folder"));
  write(folder.path() / "cat/1.jpg", "x");
  CHECK(contains(message_of<DataError>([&] { scan(folder.path()); }),
                 "holds tar shards, s.tar and others, but also 1 loose pictures"));
}

TEST_CASE("the loader reads the same numbers from shards, compressed shards and files") {
  const TemporaryFolder shards, packed, files, cache;
  write_two_shards(shards.path());
  for (int s = 0; s < 2; ++s) {
    std::string tar;
    for (int i = 10 * s; i < 10 * s + 10; ++i) {
      const std::string name = fmt::format("{:04}.ppm", i);
      write(files.path() / fmt::format("data-{}.tar", s) / name, picture(i));
      tar += tar_entry(name, picture(i)) + tar_entry(fmt::format("{:04}.cls", i), std::to_string(i % 3));
    }
    write(packed.path() / fmt::format("data-{}.tar.gz", s), gzip_bytes(tar));
  }
  const FolderSource plain = scan(shards.path()), zipped = scan(packed.path(), {}, cache.path()),
                     loose = scan_images(files.path(), {});
  LoaderSettings settings = small_settings();
  settings.mode = LoaderMode::evaluate;  // in the order of paths, crops in the middle
  const auto inputs = [&](const FolderSource& source) {
    std::vector<float> all;
    for (const Seen& seen : read_all(source, settings))
      all.insert(all.end(), seen.input.begin(), seen.input.end());
    return all;
  };
  CHECK(inputs(plain).size() == 20 * 3 * 16 * 16);
  CHECK(inputs(plain) == inputs(zipped));
  CHECK(inputs(plain) == inputs(loose));
  CHECK(classes_of(plain) == classes_of(zipped));
  settings.mode = LoaderMode::train;
  const auto one = read_all(plain, settings);
  settings.threads = 4;
  CHECK(read_all(plain, settings) == one);
  settings.first_update = 5;
  CHECK(read_all(plain, settings) == std::vector<Seen>(one.begin() + 5, one.end()));
}

TEST_CASE("recordings in shards: lengths, spans and broken ones as from files") {
  const TemporaryFolder folder, files;
  std::string tar;
  for (int i = 0; i < 6; ++i) {
    const std::string wav =
        wav_bytes(tone(1 + 0.25 * i, i % 2 == 0 ? 16000 : 22050, 300 + 50 * i), i % 2 == 0 ? 16000 : 22050);
    tar += tar_entry(fmt::format("{}.wav", i), wav);
    write(files.path() / "s.tar" / fmt::format("{}.wav", i), wav);
  }
  write(folder.path() / "s.tar", tar + tar_entry("bad.wav", "no sound") +
                                     tar_entry("cut.wav", wav_bytes(tone(1, 16000), 16000).substr(0, 9000)));
  DataConfig config;
  config.max_bad_fraction = 0.5;
  const RecordingLimits limits(SpeechConfig{.min_seconds = 0.5});
  FolderSource source = scan_shards(folder.path(), config, recordings_kind(), {.cache = {}, .threads = 1});
  keep_usable_recordings(source, config, limits, {.cache = {}, .threads = 1});
  const FolderSource loose = scan_recordings(files.path(), config, limits, {.cache = {}, .threads = 1});
  REQUIRE(source.size() == 6);
  REQUIRE(loose.size() == 6);
  for (uint32_t row = 0; row < 6; ++row) CHECK(source.length(row) == loose.length(row));
  REQUIRE(source.left_out().size() == 2);
  CHECK(contains(source.left_out()[0].reason, "s.tar: bad.wav: not an audio file"));
  CHECK(contains(source.left_out()[1].reason, "s.tar: cut.wav: truncated"));
  const AudioReader reader(16000);
  AudioScratch scratch;
  std::vector<uint8_t> memory;
  for (uint32_t row = 0; row < 6; ++row) {
    std::vector<float> from_tar(5000), from_file(5000);
    reader.read(source.bytes_of(row, memory), 7001, from_tar, scratch);
    reader.read(loose.file(row), 7001, from_file, scratch);
    CHECK(from_tar == from_file);
  }
}
