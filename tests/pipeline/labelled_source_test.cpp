// Samples with classes: from folders, from file names, from tables.
#include "d2v/pipeline/labelled_source.h"

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/label_table.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

std::string wrong_table(const fs::path& file, const std::string& text) {
  test::write(file, text);
  return test::message_of<DataError>([&] { read_label_table(file); });
}

Config config_of(Modality modality, const fs::path& path) {
  Config config;
  config.model.modality = modality;
  config.data.path = path.string();
  return config;
}

void write_labelled_tone(const fs::path& file) {
  test::write(file, test::wav_bytes(test::tone(0.5, 8000), 8000));
}

}  // namespace

TEST_CASE(
    "a table gives labels and values with their lines; the columns' names and empty lines are no samples") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "t.tsv";
  test::write(file,
              "\xef\xbb\xbflabel\tsentence\r\ngood\ta fine film\r\n\r\nbad\tdull . \xff\r\nlabel\tlate\r\n");
  const auto lines = read_label_table(file);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].label == "good");
  CHECK(lines[0].value == "a fine film");
  CHECK(lines[0].line == 2);
  CHECK(lines[1].value == "dull . \xef\xbf\xbd");
  CHECK(lines[1].line == 4);
  CHECK(lines[2].label == "label");
}

TEST_CASE("a table's errors name file and line") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "t.tsv";
  CHECK(contains(wrong_table(file, "a\tb\nno tab here\n"), "t.tsv:2: expected a label, one tab"));
  CHECK(contains(wrong_table(file, "a\tb\n\na\tb\tc\n"),
                 "t.tsv:3: expected a label, one tab, and a text or a path; "
                 "found 2 tabs"));
  CHECK(contains(wrong_table(file, "\ttext\n"), "t.tsv:1: no label before the tab"));
  CHECK(contains(wrong_table(file, "a\tb\nc\t"), "t.tsv:2: nothing after the tab"));
  CHECK(contains(wrong_table(file, std::string("a\tb\0c\n", 6)), "t.tsv:1: holds a NUL byte"));
  CHECK(contains(wrong_table(file, ""), "no line with a label"));
  CHECK(contains(wrong_table(file, "label\ttext\n"), "no line with a label"));
  CHECK_THROWS_AS(read_label_table(folder.path() / "nowhere.tsv"), DataError);
}

TEST_CASE("classes from file names: what the pattern's group finds, whatever the folder") {
  const test::TemporaryFolder folder;
  for (const char* name : {"7_theo_0.wav", "0_anna_3.wav", "deep/7_anna_11.wav"})
    write_labelled_tone(folder.path() / name);
  const Config config = config_of(Modality::speech, folder.path());
  const FolderSource digits = open_labelled(config, "^([0-9])_");
  CHECK(digits.classes == std::vector<std::string>{"0", "7"});
  REQUIRE(digits.size() == 3);
  CHECK(digits.name(0) == "0_anna_3.wav");
  CHECK(digits.label(0) == 0);
  CHECK(digits.label(1) == 1);
  CHECK(digits.label(2) == 1);
  CHECK(open_labelled(config, "_([a-z]+)_").classes == std::vector<std::string>{"anna", "theo"});
  CHECK(digits.length(0) == 8000);  // half a second: speech.min_seconds is about training

  const auto usage = [&](const char* pattern) {
    return test::message_of<UsageError>([&] { open_labelled(config, pattern); });
  };
  CHECK(contains(usage("^[0-9]_"), "expected exactly one group"));
  CHECK(contains(usage("([0-9])_([a-z]+)"), "found 2"));
  CHECK(contains(usage("([0-9"), "not a regular expression"));
  CHECK(contains(test::message_of<DataError>([&] { open_labelled(config, "(theo)"); }),
                 "finds no class in the file name '0_anna_3.wav'"));
  CHECK(contains(test::message_of<DataError>([&] { open_labelled(config, "^(z*)"); }), "finds no class"));
}

TEST_CASE("a table of paths: relative to its folder, lengths measured, splits by the tables' names") {
  const test::TemporaryFolder folder;
  write_labelled_tone(folder.path() / "sound/a.wav");
  write_labelled_tone(folder.path() / "sound/b.wav");
  test::write(folder.path() / "train.tsv", "one\tsound/a.wav\ntwo\tsound/b.wav\n");
  const FolderSource alone = open_labelled(config_of(Modality::speech, folder.path() / "train.tsv"));
  CHECK(alone.size() == 2);
  CHECK(alone.length(1) == 8000);
  CHECK(!alone.split_folders);
  test::write(folder.path() / "dev.tsv", "two\tsound/a.wav\n");
  test::write(folder.path() / "test.tsv", "one\tsound/b.wav\n");
  const FolderSource all = open_labelled(config_of(Modality::speech, folder.path()));
  const ImageSplits splits = split_source(all, 0.1, 0.1, 0);
  CHECK(splits.train == std::vector<uint32_t>{0, 1});
  CHECK(splits.valid == std::vector<uint32_t>{2});
  CHECK(splits.test == std::vector<uint32_t>{3});
  CHECK(all.label(2) == 1);
  test::write(folder.path() / "gone.tsv", "one\tsound/a.wav\none\tsound/c.wav\n");
  CHECK(contains(test::message_of<DataError>(
                     [&] { open_labelled(config_of(Modality::speech, folder.path() / "gone.tsv")); }),
                 "gone.tsv:2: no such file"));
  CHECK(contains(
      test::message_of<UsageError>([&] { open_labelled(config_of(Modality::speech, folder.path()), "(a)"); }),
      "--classes is for folders"));
}

TEST_CASE("texts need a table and the model's vocabulary") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "t.tsv", "a\tone\nb\ttwo\n");
  CHECK(contains(test::message_of<UsageError>(
                     [&] { open_labelled(config_of(Modality::text, folder.path() / "t.tsv")); }),
                 "--text.vocabulary"));
  CHECK(
      contains(test::message_of<DataError>([&] { open_labelled(config_of(Modality::text, folder.path())); }),
               "ends in .tsv"));
  CHECK(contains(test::message_of<UsageError>([&] { open_labelled(config_of(Modality::text, "")); }),
                 "which texts?"));
}

TEST_CASE("texts become <s> tokens </s>, cut to a block, and the vocabulary must be the model's") {
  D2V_NEED_TEST_DATA("datasets/text/gpt2_bpe");
  const test::TemporaryFolder folder;
  std::string many;
  for (int i = 0; i < 40; ++i) many += " word";
  test::write(folder.path() / "t.tsv", "a\tHello world\nb\t" + many + "\n");
  Config config = config_of(Modality::text, folder.path() / "t.tsv");
  config.text.vocabulary = (test::test_data() / "datasets/text/gpt2_bpe").string();
  config.text.block = 16;
  const FolderSource source = open_labelled(config);
  REQUIRE(source.size() == 2);
  CHECK(contains(describe(source), "2 texts"));
  CHECK(source.name(1) == "t.tsv:2");
  const std::vector<int64_t>& hello = source.texts->tokens[0];
  CHECK(hello.size() == 4);
  CHECK(hello.front() == 0);
  CHECK(hello.back() == 2);
  CHECK(source.length(0) == 4);
  CHECK(source.length(1) == 16);
  config.text.vocabulary_size = 4000;
  CHECK(contains(test::message_of<DataError>([&] { open_labelled(config); }),
                 "the model was trained with 4000"));
}
