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

TEST_CASE(
    "too many broken files stop the run at the same slice, with the same words, for any number of threads") {
  const test::Folder data(40, 12);  // 12 of 80
  LoaderSettings settings = test::small_settings();
  settings.data.max_bad_fraction = 0.1;
  settings.accumulate = 2;
  const auto ending = [&](int64_t threads) {
    settings.threads = threads;
    Loader loader(data.source, settings);
    int64_t slices = 0;
    const std::string error = test::message_of<DataError>([&] {
      for (; loader.next(); ++slices) {
      }
    });
    int64_t failures = 0;
    for (const BadFile& file : loader.bad_files()) failures += file.count;
    return fmt::format("{} slices, {} failures, then {}", slices, failures, error);
  };
  const std::string one = ending(1);
  CHECK(contains(one, "9 of 80 pictures cannot be read"));
  CHECK(!one.starts_with("0 slices"));
  for (int i = 0; i < 10; ++i) CHECK(ending(2 + i) == one);
}

TEST_CASE("what could not be read is listed when its slice is handed out, not while it is prepared") {
  const test::Folder data(20, 2);
  const LoaderSettings settings = test::small_settings();
  Loader loader(data.source, settings);
  CHECK(loader.bad_files().empty());
  const auto listed = [&] {
    int64_t failures = 0;
    for (const BadFile& file : loader.bad_files()) failures += file.count;
    return failures;
  };
  int64_t replaced = 0;
  while (const BatchPtr batch = loader.next()) {
    for (const SampleRef& ref : batch->refs) replaced += ref.occurrence != 0;
    CHECK((listed() > 0) == (replaced > 0));
  }
  CHECK(replaced > 0);
}

TEST_CASE("a file far too large to be a picture is a broken file, and takes no memory") {
  const test::Folder data;
  const std::filesystem::path file = data.source.file(3);
  std::filesystem::resize_file(file, uintmax_t{100} << 30);  // sparse: takes no room either
  Loader loader(data.source, test::small_settings());
  test::read_all(loader);
  REQUIRE(loader.bad_files().size() == 1);
  CHECK(contains(loader.bad_files()[0].reason, "its 107374182400 bytes are more than"));
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
