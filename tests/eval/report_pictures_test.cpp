#include "d2v/eval/report_pictures.h"

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/report.h"
#include "has.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

namespace fs = std::filesystem;

// A trained run beside pictures of which each class has so many.
struct RunAndPictures {
  test::ScratchFolder scratch{"report_pictures"};
  fs::path run = scratch.path / "run", pictures = scratch.path / "pictures";
  explicit RunAndPictures(int each) {
    Config config = test::tiny_config();
    config.data.path = pictures.string();
    test::make_up_trained_run(run, config);
    test::make_up_pictures(pictures, each);
  }
  std::vector<std::string> make(std::vector<Override> overrides = {}) const {
    return make_report_pictures(run, overrides, "d2v report run");
  }
};

}  // namespace

TEST_CASE("with data and a checkpoint nothing is missing") {
  const RunAndPictures given(10);
  CHECK(given.make().empty());
  CHECK(fs::exists(given.run / "masks.png"));
  CHECK(fs::exists(given.run / "neighbours" / "neighbours.json"));
}

TEST_CASE("six pictures are too few for strips: the sentence says so, the mask preview is there") {
  const RunAndPictures given(3);
  const auto missing = given.make();
  REQUIRE(missing.size() == 1);
  CHECK(test::has(missing[0], "no neighbour strips in the report"));
  CHECK(test::has(missing[0], "6 readable pictures are too few"));
  CHECK(fs::exists(given.run / "masks.png"));
}

TEST_CASE("a broken checkpoint, a missing one and other data cost the pictures, not the report") {
  const RunAndPictures given(10);
  const auto file = checkpoint_path(given.run, 123);
  const std::string whole = read_file(file, 1 << 30);
  test::write_text(file, whole.substr(0, whole.size() / 2));
  auto missing = given.make();
  REQUIRE(missing.size() == 1);
  CHECK(test::has(missing[0], "no neighbour strips in the report"));
  fs::remove(file);
  missing = given.make();
  REQUIRE(missing.size() == 1);
  CHECK(test::has(missing[0], "has no checkpoint yet"));

  fs::remove_all(given.pictures);
  missing = given.make();
  REQUIRE(missing.size() == 1);
  CHECK(test::has(missing[0], "is not there; give it with --data.path"));
  test::write_text(given.pictures / "notes.txt", "no picture");
  missing = given.make();
  REQUIRE(missing.size() == 1);
  CHECK(test::has(missing[0], "no pictures in the report"));
}

TEST_CASE("a wrong option is an error, not a sentence") {
  const RunAndPictures given(3);
  CHECK_THROWS_AS(given.make({{"data.pth", "x"}}), UsageError);
}

TEST_CASE("what is missing stands in the report") {
  const RunAndPictures given(3);
  std::vector<RunRecord> runs;
  runs.push_back(read_run(given.run));
  add_warnings(runs[0], given.make());
  const std::string page = report_html(runs, {"d2v report run", std::nullopt});
  CHECK(test::has(page, "6 readable pictures are too few"));
  CHECK(test::has(page, "this report"));
  CHECK_FALSE(test::has(page, "No warnings"));
}
