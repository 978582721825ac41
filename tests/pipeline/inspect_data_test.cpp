// What is found in generated data sets: counts, sizes, durations, classes, copies, broken files, and an epoch's time.
#include "d2v/pipeline/inspect_data.h"

#include <fmt/format.h>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/prepare_images.h"
#include "d2v/pipeline/token_file.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

Config config_for(const fs::path& path, Modality modality = Modality::image) {
  Config config;
  config.model.modality = modality;
  config.data.path = path.string();
  config.data.threads = 1;
  config.image.size = 32;
  config.image.patch = 8;
  config.mask.clones = 2;
  config.mask.block = 2;
  return config;
}

constexpr InspectLimits untimed{.loader_seconds = 0};

// 20 + i % 7 by 24 or 25 pixels, five of a and three of b.
void write_pictures(const fs::path& root) {
  test::write_classes(root, 2, 5);
  for (const char* name : {"b/3.ppm", "b/4.ppm"}) fs::remove(root / name);
}

}  // namespace

TEST_CASE("pictures: counts, classes by size, sides, formats, those below the crop") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path());
  test::write(folder.path() / "b/large.jpg", test::jpeg_bytes(test::formula_image(60, 40)));
  test::write(folder.path() / "notes.txt", "no picture");
  const DataReport report = inspect_data(config_for(folder.path()), untimed);
  CHECK(report.form == "a folder of files");
  CHECK(report.samples == 9);
  CHECK(report.classes == std::vector<std::pair<std::string, int64_t>>{{"a", 5}, {"b", 4}});
  CHECK(report.pictures.width == Spread{24, 24, 40});
  CHECK(report.pictures.height == Spread{20, 22, 60});
  CHECK(report.pictures.aspect.min == doctest::Approx(40.0 / 60));
  CHECK(report.pictures.formats == Counts{{"JPEG", 1}, {"PNM", 8}});
  CHECK(report.pictures.below_crop == 8);
  CHECK(report.sample_bytes.min == static_cast<double>(fs::file_size(folder.path() / "a/0.ppm")));
  CHECK(report.scan.other_files == 1);
  CHECK(report.other_endings == Counts{{".txt", 1}});
  CHECK(report.broken.empty());
  CHECK(report.decoded == 9);
  CHECK(!report.epoch.not_measured.empty());
}

TEST_CASE("broken pictures are named: by header always, by their pixels where they are decoded") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path());
  const std::string jpeg = test::jpeg_bytes(test::formula_image(64, 64));
  test::write(folder.path() / "a/cut.jpg", jpeg.substr(0, jpeg.size() / 2));
  test::write(folder.path() / "a/empty.png", "");
  test::write(folder.path() / "b/text.png", "no picture");
  fs::create_symlink("nowhere", folder.path() / "b/link.png");
  const DataReport report = inspect_data(config_for(folder.path()), untimed);
  REQUIRE(report.broken.size() == 4);
  CHECK(report.broken[0].path == "a/cut.jpg");
  CHECK(test::contains(report.broken[0].reason, "truncated"));
  CHECK(report.broken[1].path == "a/empty.png");
  CHECK(report.broken[2].path == "b/link.png");
  CHECK(report.broken[3].path == "b/text.png");
  CHECK(report.samples == 12);
  // One sample of those with a good header: the first, which is whole.
  const DataReport few = inspect_data(config_for(folder.path()), {.decode = 1, .loader_seconds = 0});
  CHECK(few.broken.size() == 3);
  CHECK(few.decoded == 1);
  CHECK(inspect_data(config_for(folder.path()), {.decode = 1, .all = true, .loader_seconds = 0})
            .broken.size() == 4);
}

TEST_CASE("a picture whose header goes on behind 64 KiB is no broken one") {
  const test::TemporaryFolder folder;
  std::string jpeg = test::jpeg_bytes(test::formula_image(24, 40));
  std::string comments;  // between the start of the picture and its tables
  for (int i = 0; i < 2; ++i) comments += std::string("\xff\xfe\xff\xff", 4) + std::string(0xffff - 2, 'c');
  jpeg.insert(2, comments);
  test::write(folder.path() / "a.jpg", jpeg);
  const DataReport report = inspect_data(config_for(folder.path()), untimed);
  CHECK(report.broken.empty());
  CHECK(report.pictures.width.min == 40);
}

TEST_CASE("pictures that look alike are counted beyond the first; a sample says that it is one") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path());
  const Image image = test::formula_image(40, 40, 3);
  test::write(folder.path() / "a/x.ppm", test::pnm_bytes(image));
  test::write(folder.path() / "b/x.ppm", test::pnm_bytes(image));
  const DataReport report = inspect_data(config_for(folder.path()), untimed);
  CHECK(report.duplicates.compared == 10);
  REQUIRE(report.duplicates.groups >= 1);
  bool found = false;
  for (const auto& group : report.duplicates.examples)
    found = found || group == std::vector<std::string>{"a/x.ppm", "b/x.ppm"};
  CHECK(found);
  CHECK(!test::contains(report_text(report), "only a sample"));
  const DataReport few = inspect_data(config_for(folder.path()), {.decode = 4, .loader_seconds = 0});
  CHECK(few.duplicates.compared == 4);
  CHECK(test::contains(report_text(few), "only a sample of 4 of the 10"));
}

TEST_CASE("the epoch's time is that of the loader, on what it trains on") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path() / "train");
  test::write_classes(folder.path() / "val", 2, 1);
  test::write(folder.path() / "train/a/text.png", "no picture");
  const DataReport report = inspect_data(config_for(folder.path()), {.loader_seconds = 0.2});
  CHECK(report.samples == 11);
  CHECK(report.splits == std::array<int64_t, 4>{0, 9, 2, 0});
  CHECK(report.epoch.not_measured == "");
  CHECK(report.epoch.threads == 1);
  CHECK(report.epoch.samples == 9);
  CHECK(report.epoch.samples_per_second > 0);
  CHECK(report.epoch.seconds == doctest::Approx(9 / report.epoch.samples_per_second));
}

TEST_CASE("tar shards and made-up pictures are looked at as folders are") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path() / "in");
  PrepareImages settings;
  settings.input = folder.path() / "in";
  settings.output = folder.path() / "out";
  settings.side = 16;
  settings.shard_samples = 3;
  prepare_images(settings);
  const DataReport shards = inspect_data(config_for(settings.output), untimed);
  CHECK(shards.form == "tar shards");
  CHECK(shards.samples == 8);
  CHECK(shards.classes.size() == 2);
  CHECK(shards.pictures.height.max == 16);
  CHECK(shards.bytes > 0);
  const DataReport made = inspect_data(config_for("synthetic:samples=12/classes=3/side=20"), untimed);
  CHECK(made.form == "made up");
  CHECK(made.samples == 12);
  CHECK(made.pictures.width == Spread{20, 20, 20});
}

TEST_CASE("recordings: hours, rates, codecs, the short and the broken ones") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/1.wav", test::wav_bytes(test::tone(2, 16000), 16000));
  test::write(folder.path() / "a/2.wav", test::wav_bytes(test::tone(3, 8000), 8000));
  test::write(folder.path() / "a/short.wav", test::wav_bytes(test::tone(0.01, 8000), 8000));
  test::write(folder.path() / "b/noise.flac", "no recording");
  const DataReport report = inspect_data(config_for(folder.path(), Modality::speech), untimed);
  CHECK(report.samples == 4);
  CHECK(report.recordings.hours == doctest::Approx(5.01 / 3600));
  CHECK(report.recordings.seconds.median == doctest::Approx(2));
  CHECK(report.recordings.rates == Counts{{"16000", 1}, {"8000", 2}});
  CHECK(report.recordings.codecs == Counts{{"pcm_s16le", 3}});
  CHECK(report.recordings.too_short == 1);
  REQUIRE(report.broken.size() == 1);
  CHECK(report.broken[0].path == "b/noise.flac");
}

TEST_CASE("a list names files that are not there: they are broken, the others count") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path());
  test::write(folder.path() / "some.txt", "a/0.ppm\tfirst\na/absent.ppm\tfirst\nb/0.ppm\tsecond\n");
  const DataReport report = inspect_data(config_for(folder.path() / "some.txt"), untimed);
  CHECK(report.form == "a list");
  CHECK(report.samples == 3);
  CHECK(report.sample_bytes.max < 1e6);
  REQUIRE(report.broken.size() == 1);
  CHECK(report.broken[0].path == "a/absent.ppm");
}

TEST_CASE("token files: tokens, documents, vocabulary") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "t.d2vtok";
  Vocabulary vocabulary;
  vocabulary.size = 100;
  TokenWriter writer(file, vocabulary);
  for (const size_t length : {4u, 10u, 6u}) writer.add(std::vector<uint32_t>(length, 50));
  writer.commit();
  const DataReport report = inspect_data(config_for(file, Modality::text), untimed);
  CHECK(report.form == "a token file");
  CHECK(report.text.tokens == 23);  // </s> behind each
  CHECK(report.text.documents == 3);
  CHECK(report.text.document_tokens == Spread{5, 7, 11});
  CHECK(report.text.vocabulary == 100);
}

TEST_CASE("several sources: each by itself, the epoch of the mix") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path() / "photos");
  test::write(folder.path() / "photos/a/empty.png", "");
  Config config = config_for("");
  config.data.sources =
      fmt::format("{}:3, synthetic:samples=12/classes=3/side=20:1", (folder.path() / "photos").string());
  const DataReport report = inspect_data(config, {.loader_seconds = 0.2});
  CHECK(report.form == "a mix of 2 sources");
  REQUIRE(report.parts.size() == 2);
  CHECK(report.samples == 9 + 12);
  CHECK(report.parts[0].weight == doctest::Approx(0.75));
  CHECK(report.parts[0].classes.size() == 2);
  CHECK(report.parts[1].form == "made up");
  CHECK(report.broken.size() == 1);
  CHECK(report.epoch.not_measured == "");
  CHECK(report.epoch.samples_per_second > 0);
  const std::string text = report_text(report);
  CHECK(test::contains(text, "75.0 % of what is drawn comes from"));
  CHECK(test::contains(text, "a/empty.png"));
  CHECK(test::contains(report_json(report), "\"sources\""));
}

TEST_CASE("tables with labels: of pictures as of a folder, of texts by their lines") {
  const test::TemporaryFolder folder;
  write_pictures(folder.path());
  test::write(folder.path() / "some.tsv", "first\ta/0.ppm\nsecond\tb/0.ppm\nfirst\ta/1.ppm\n");
  const DataReport pictures = inspect_data(config_for(folder.path() / "some.tsv"), untimed);
  CHECK(pictures.form == "a table with labels");
  CHECK(pictures.classes == std::vector<std::pair<std::string, int64_t>>{{"first", 2}, {"second", 1}});
  CHECK(pictures.pictures.formats == Counts{{"PNM", 3}});

  test::write(folder.path() / "films.tsv", "good\tworth seeing\nbad\tno\n");
  const DataReport texts = inspect_data(config_for(folder.path() / "films.tsv", Modality::text), untimed);
  CHECK(texts.form == "a table with labels");
  CHECK(texts.samples == 2);
  CHECK(texts.classes.size() == 2);
  CHECK(texts.bytes == 14);
}

TEST_CASE("nothing to look at is an error as in training") {
  const test::TemporaryFolder folder;
  CHECK(test::contains(
      test::message_of<DataError>([&] { inspect_data(config_for(folder.path() / "absent"), untimed); }),
      "no such folder"));
  CHECK(test::contains(test::message_of<DataError>([&] { inspect_data(config_for(folder.path()), untimed); }),
                       "empty"));
}
