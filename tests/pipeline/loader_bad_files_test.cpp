// The loader and what it cannot read: replaced, counted, limited; and settings that do not fit.
#include "d2v/base/check.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

TEST_CASE("a broken file is named, counted and replaced by another") {
  const test::Folder data(20, 2);
  LoaderSettings settings = test::small_settings();
  settings.last_update = 10;  // two epochs
  Loader loader(data.source, settings);
  const auto all = test::read_all(loader);
  int replacements = 0;
  for (const test::Seen& batch : all) {
    for (const SampleRef& ref : batch.refs) {
      CHECK(ref.id != image_id("a/0.ppm"));
      replacements += ref.occurrence != 0;
    }
  }
  CHECK(replacements == 4);
  const auto bad = loader.bad_files();
  REQUIRE(bad.size() == 2);
  CHECK(bad[0].path == "a/0.ppm");
  CHECK(bad[0].count >= 2);
  CHECK(contains(bad[0].reason, "not a picture"));
}

TEST_CASE("too many broken files stop the run by name, after the batches before") {
  const test::Folder data(20, 15);
  const LoaderSettings settings = test::small_settings();
  Loader loader(data.source, settings);
  const std::string error = test::message_of<DataError>([&] { test::read_all(loader); });
  CHECK(contains(error, "of 40 pictures cannot be read, more than data.max_bad_fraction 0.2 allows"));
  CHECK(contains(error, ".ppm: not a picture"));
  CHECK_THROWS_AS(loader.next(), DataError);  // and it stays so
}

TEST_CASE("a folder where every file is broken stops at once") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) test::write(folder.path() / (std::to_string(i) + ".png"), "broken");
  const ImageSource source = scan_images(folder.path(), {});
  LoaderSettings settings = test::small_settings();
  CHECK(contains(test::message_of<DataError>([&] { test::read_all(source, settings); }), "cannot be read"));
  settings.data.max_bad_fraction = 1;
  CHECK(contains(test::message_of<DataError>([&] { test::read_all(source, settings); }),
                 "none of 1000 pictures drawn in its place can be read either"));
}

TEST_CASE("a file that vanishes after the scan is a broken file like any other") {
  const test::Folder data;
  std::filesystem::remove(data.source.file(3));
  Loader loader(data.source, test::small_settings());
  test::read_all(loader);
  REQUIRE(loader.bad_files().size() == 1);
  CHECK(contains(loader.bad_files()[0].reason, "No such file"));
}

TEST_CASE("settings that do not fit are refused before anything is read") {
  const test::Folder data;
  LoaderSettings settings = test::small_settings();
  settings.data.batch = 64;
  CHECK(contains(test::message_of<UsageError>([&] { Loader loader(data.source, settings); }),
                 "data.batch: 64 is more"));
  settings = test::small_settings();
  settings.image.patch = 5;
  CHECK(contains(test::message_of<UsageError>([&] { Loader loader(data.source, settings); }),
                 "does not divide"));
  settings = test::small_settings();
  settings.mask.prob = 1;
  CHECK(contains(test::message_of<UsageError>([&] { Loader loader(data.source, settings); }), "keeps none"));
}
