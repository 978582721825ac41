#include "d2v/pipeline/prepare_images.h"

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/resize.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

PrepareImages settings_for(const fs::path& root, int64_t side) {
  PrepareImages settings;
  settings.input = root / "in";
  settings.output = root / "out";
  settings.side = side;
  settings.data.threads = 2;
  return settings;
}

}  // namespace

TEST_CASE("large pictures are reduced to the side, small ones keep their pixels, folders stay") {
  const test::TemporaryFolder folder;
  const Image large = test::formula_image(60, 90), small = test::formula_image(10, 14, 1);
  test::write(folder.path() / "in/a/large.pnm", test::pnm_bytes(large));
  test::write(folder.path() / "in/b/deep/small.pnm", test::pnm_bytes(small));
  const PreparedImages done = prepare_images(settings_for(folder.path(), 20));
  CHECK(done.written == 2);
  CHECK(done.left_out.empty());
  CHECK(read_image(folder.path() / "out/a/large.pnm.png", 1 << 20) == resize_bicubic(large, 20, 30));
  CHECK(read_image(folder.path() / "out/b/deep/small.pnm.png", 1 << 20) == small);
}

TEST_CASE("a second call writes nothing again, and what was cut is made up for") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 5);
  const PrepareImages settings = settings_for(folder.path(), 4);
  const PreparedImages first = prepare_images(settings);
  CHECK(first.written == 10);
  int removed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(settings.output))
    if (entry.path().extension() == ".png" && removed < 3) removed += fs::remove(entry.path());
  const PreparedImages second = prepare_images(settings);
  CHECK(second.written == 3);
  CHECK(second.kept == 7);
}

TEST_CASE("broken files are named and left out; above the limit the command stops") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 1, 9);
  test::write(folder.path() / "in/a/broken.png", "no picture");
  PrepareImages settings = settings_for(folder.path(), 4);
  settings.data.max_bad_fraction = 0.2;
  const PreparedImages done = prepare_images(settings);
  REQUIRE(done.left_out.size() == 1);
  CHECK(done.left_out[0].path == "a/broken.png");
  settings.data.max_bad_fraction = 0;
  CHECK_THROWS_AS(prepare_images(settings), DataError);
}

TEST_CASE("an output of other settings, with foreign files, or within the input is refused") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 1, 3);
  PrepareImages settings = settings_for(folder.path(), 4);
  prepare_images(settings);
  settings.side = 5;
  CHECK(test::contains(test::message_of<UsageError>([&] { prepare_images(settings); }), "shorter side 4"));
  settings.output = folder.path() / "in/a/out";
  CHECK(test::contains(test::message_of<UsageError>([&] { prepare_images(settings); }),
                       "outside of the input"));
  settings.output = folder.path() / "foreign";
  test::write(settings.output / "mine.txt", "mine");
  CHECK(test::contains(test::message_of<UsageError>([&] { prepare_images(settings); }), "other files"));
  settings.output = folder.path() / "out2";
  settings.side = 0;
  CHECK_THROWS_AS(prepare_images(settings), UsageError);
}
