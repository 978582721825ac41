#include "d2v/eval/neighbours.h"

#include <algorithm>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/eval/run_record.h"
#include "d2v/pipeline/image_reader.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("strips show a picture and its neighbours, and the report finds them") {
  const test::ScratchFolder scratch("neighbours");
  const auto run = scratch.path / "run", pictures = scratch.path / "pictures";
  test::make_up_trained_run(run, test::tiny_config());
  test::make_up_pictures(pictures, 6);
  LoadedModel model = load_model(run, {});
  const ImageSource source = scan_images(pictures, model.config->data);
  CHECK(make_neighbours(model, source, run,
                        {.strips = 3, .neighbours = 4, .tile = 32, .command = "d2v report run"}) == 3);

  const RunRecord record = read_run(run);
  CHECK(record.neighbours_command == "d2v report run");
  REQUIRE(record.neighbours.size() == 3);
  CHECK(record.neighbours[0].neighbour_classes.size() == 4);
  CHECK(record.neighbours[0].query_class != record.neighbours[1].query_class);  // different classes first
  const Image strip = read_image(record.neighbours[0].picture, 1 << 20);
  CHECK(strip.height == 32);
  CHECK(strip.width == 5 * 32 + 20 + 3 * 4);
}

TEST_CASE("too few pictures for a strip is an error with both numbers") {
  const test::ScratchFolder scratch("few");
  test::make_up_trained_run(scratch.path / "run", test::tiny_config());
  test::make_up_pictures(scratch.path / "pictures", 3);
  LoadedModel model = load_model(scratch.path / "run", {});
  const ImageSource source = scan_images(scratch.path / "pictures", model.config->data);
  CHECK_THROWS_WITH_AS(make_neighbours(model, source, scratch.path / "run", {}),
                       doctest::Contains("6 readable pictures"), DataError);
}

TEST_CASE("a choice of pictures depends on the pictures alone") {
  ImageSource source;
  for (int i = 0; i < 20; ++i)
    source.samples.push_back({.path = std::to_string(i), .id = image_id(std::to_string(i))});
  std::vector<uint32_t> all(20);
  std::iota(all.begin(), all.end(), 0u);
  CHECK(chosen_rows(source, all, 0) == all);
  CHECK(chosen_rows(source, all, 30) == all);
  const auto five = chosen_rows(source, all, 5), six = chosen_rows(source, all, 6);
  CHECK(five.size() == 5);
  CHECK(std::is_sorted(five.begin(), five.end()));
  CHECK(std::includes(six.begin(), six.end(), five.begin(), five.end()));
}
