// Lists of paths and fairseq's manifests.
#include "d2v/pipeline/list_source.h"

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/labelled_source.h"
#include "d2v/pipeline/open_samples.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;
namespace fs = std::filesystem;

namespace {

void write_listed_tone(const fs::path& file, double seconds) {
  write(file, wav_bytes(tone(seconds, 8000), 8000));
}

std::string list_error(const std::string& text) {
  return message_of<DataError>([&] { parse_list(text, "l.txt"); });
}

std::string manifest_error(const std::string& text) {
  return message_of<DataError>([&] { parse_manifest(text, "m.tsv"); });
}

}  // namespace

TEST_CASE("a list has a path on each line, with a class behind a tab or without") {
  const PathList list = parse_list(
      "\xef\xbb\xbf"
      "a/1.png\tcat\r\n\n./b//2.png\n/else/3.png\tbig dog",
      "l.txt");
  REQUIRE(list.paths.size() == 3);
  CHECK(list.paths[0].path == "a/1.png");
  CHECK(list.paths[0].label == "cat");
  CHECK(list.paths[1].path == "b/2.png");
  CHECK(list.paths[1].label.empty());
  CHECK(list.paths[2].path == "/else/3.png");
  CHECK(list.paths[2].label == "big dog");
  CHECK(contains(list_error("a\tb\tc\n"), "l.txt:1: expected at most one tab, found 2"));
  CHECK(contains(list_error("a\n\tb\n"), "l.txt:2: no path before the tab"));
  CHECK(contains(list_error(std::string("a\nb\0c\n", 6)), "l.txt:2: holds a NUL byte"));
  CHECK(contains(list_error("\n\n"), "l.txt: names no file"));
}

TEST_CASE("a manifest has a folder, then paths and numbers of samples") {
  const PathList list = parse_manifest("/data/speech\nx/1.flac\t16000\nx/2.flac\t0\n", "m.tsv");
  CHECK(list.root == "/data/speech");
  REQUIRE(list.paths.size() == 2);
  CHECK(list.paths[0].samples == 16000);
  CHECK(contains(manifest_error("a\t1\n"), "m.tsv:1: expected the folder of the recordings"));
  CHECK(contains(manifest_error("/r\na\n"), "m.tsv:2: expected path<TAB>number of samples, found ''"));
  CHECK(contains(manifest_error("/r\na\t-1\n"), "found '-1'"));
  CHECK(contains(manifest_error("/r\na\t99999999999999999999\n"), "found '9999"));
  CHECK(contains(manifest_error("/r\na\t1x\n"), "found '1x'"));
  CHECK(contains(manifest_error("/r\n"), "names no file"));
}

TEST_CASE("pictures of a list: classes of the list, or folders; what is named twice counts once") {
  const TemporaryFolder folder;
  write_classes(folder.path(), 2, 3);
  write(folder.path() / "l.txt",
        "a/0.ppm\tone\nb/1.ppm\ttwo\n" + (folder.path() / "a/2.ppm").string() + "\tone\n./a/0.ppm\tone\n");
  const FolderSource source = open_pictures(folder.path() / "l.txt", {});
  REQUIRE(source.size() == 3);
  CHECK(source.classes == std::vector<std::string>{"one", "two"});
  CHECK(source.report.repeated == 1);
  CHECK(contains(describe(source), "l.txt, 2 classes; left out: 1 named twice"));
  std::vector<uint8_t> bytes;
  for (size_t row = 0; row < 3; ++row) CHECK_NOTHROW(source.read(row, bytes));
  write(folder.path() / "plain.lst", "a/0.ppm\nb/1.ppm\ngone/2.ppm\n");
  const FolderSource plain = open_pictures(folder.path() / "plain.lst", {});
  CHECK(plain.classes == std::vector<std::string>{"a", "b", "gone"});
  CHECK(plain.id(0) == path_id("a/0.ppm"));
  CHECK(contains(message_of<DataError>([&] { plain.read(2, bytes); }), "gone/2.ppm: cannot be opened"));
}

TEST_CASE("a manifest gives the ids and lengths of the folder; a wrong number of samples is only a warning") {
  const TemporaryFolder folder, elsewhere;
  write_listed_tone(folder.path() / "anna/1.wav", 1);
  write_listed_tone(folder.path() / "bob/2.wav", 2);
  write(elsewhere.path() / "train.tsv",
        folder.path().string() + "\nbob/2.wav\t16000\nanna/1.wav\t77\ngone.wav\t5\n");
  DataConfig config;
  config.max_bad_fraction = 0.5;
  const RecordingLimits limits(SpeechConfig{.min_seconds = 0.5});
  const FolderSource source =
      open_recordings(elsewhere.path() / "train.tsv", config, limits, {.cache = {}, .threads = 1});
  const FolderSource loose = open_recordings(folder.path(), config, limits, {.cache = {}, .threads = 1});
  REQUIRE(source.size() == 2);
  for (uint32_t row = 0; row < 2; ++row) {
    CHECK(source.id(row) == loose.id(row));
    CHECK(source.length(row) == loose.length(row));
  }
  CHECK(source.classes == std::vector<std::string>{"anna", "bob"});
  REQUIRE(source.left_out().size() == 1);
  CHECK(contains(source.left_out()[0].reason, "gone.wav: No such file or directory"));
}

TEST_CASE("manifests beside one another are splits; a label table is none") {
  const TemporaryFolder folder;
  for (const char* name : {"s/1.wav", "s/2.wav", "t/3.wav"}) write_listed_tone(folder.path() / name, 1);
  write(folder.path() / "m/train.tsv", "..\ns/1.wav\t8000\nt/3.wav\t8000\n");
  write(folder.path() / "m/valid.tsv", "..\ns/2.wav\t8000\n");
  Config config;
  config.model.modality = Modality::speech;
  config.data.path = (folder.path() / "m").string();
  const FolderSource source = open_labelled(config);
  CHECK(source.size() == 3);
  CHECK(source.classes == std::vector<std::string>{"s", "t"});
  const ImageSplits splits = split_source(source, 0.1, 0, 0);
  CHECK(splits.train.size() == 2);
  CHECK(splits.valid.size() == 1);
  write(folder.path() / "table.tsv", "one\ts/1.wav\ntwo\tt/3.wav\n");
  CHECK(manifests_of(folder.path() / "table.tsv").empty());
  config.data.path = (folder.path() / "table.tsv").string();
  CHECK(open_labelled(config).classes == std::vector<std::string>{"one", "two"});
  write(folder.path() / "m/valid.tsv", "/elsewhere\ns/2.wav\t8000\n");
  CHECK(contains(message_of<DataError>([&] { read_manifests(manifests_of(folder.path() / "m"), {}); }),
                 "is not that of the other manifests"));
  write(folder.path() / "m/train.tsv", "/nowhere/at/all\ns/1.wav\t8000\n");
  CHECK(contains(
      message_of<DataError>([&] { read_manifests(manifests_of(folder.path() / "m/train.tsv"), {}); }),
      "which is no folder; change that line"));
}
