// The preview of masks: its size, its two kinds of patches, and statistics of masks.
#include "d2v/pipeline/mask_preview.h"

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/mask_stats.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

TEST_CASE("one row per readable picture, one column per clone; hidden patches are gray") {
  const test::TemporaryFolder folder;
  Image red;
  red.resize(40, 40);
  for (size_t i = 0; i < red.pixels.size(); i += 3) red.pixels[i] = 200;
  test::write(folder.path() / "1.ppm", test::pnm_bytes(red));
  test::write(folder.path() / "2.ppm", test::pnm_bytes(red));
  test::write(folder.path() / "3.ppm", "broken");
  const ImageSource source = scan_images(folder.path(), {});
  ImageConfig image;
  image.size = 32;
  image.patch = 4;
  const auto png =
      render_mask_preview(source, {}, image, {.clones = 3}, {.pictures = 5, .clones = 4, .tile = 80});
  const Image preview = decode_image(png, 1 << 24);
  CHECK(preview.height == 2 * 86 + 6);
  CHECK(preview.width == 6 + 80 + 14 + 3 * 86);

  // The middle of each patch of the first masked version: 12 of 64 kept, in colour.
  int coloured = 0, gray = 0;
  for (int64_t row = 0; row < 8; ++row) {
    for (int64_t column = 0; column < 8; ++column) {
      const uint8_t* pixel = preview.row(6 + row * 10 + 5) + (6 + 80 + 14 + column * 10 + 5) * 3;
      coloured += pixel[0] == 200 && pixel[1] == 0;
      gray += pixel[0] == pixel[1] && pixel[0] < 110;
    }
  }
  CHECK(coloured == 12);
  CHECK(gray == 52);
}

TEST_CASE("a folder of broken pictures has no preview, and the error says why") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "1.png", "broken");
  const ImageSource source = scan_images(folder.path(), {});
  CHECK(contains(test::message_of<DataError>([&] { render_mask_preview(source, {}, {}, {}, {}); }),
                 "none of its 1 pictures can be read; the last one: not a picture"));
}

TEST_CASE("components hang together by edges, not by corners") {
  const MaskGrid grid{3, 3, false};
  CHECK(count_components(grid, std::vector<int64_t>{}) == 0);
  CHECK(count_components(grid, std::vector<int64_t>{0, 1, 3}) == 1);
  CHECK(count_components(grid, std::vector<int64_t>{0, 4, 8}) == 3);
  CHECK(count_components(grid, std::vector<int64_t>{2, 3}) == 2);  // the end of a row does not touch the next
  CHECK(count_components(sequence_grid(9), std::vector<int64_t>{2, 3, 5}) == 2);
}

TEST_CASE("overlap of two masks") {
  using List = std::vector<int64_t>;
  CHECK(intersection_over_union(List{1, 2, 3}, List{2, 3, 4}) == 0.5);
  CHECK(intersection_over_union(List{1}, List{2}) == 0);
  CHECK(intersection_over_union(List{}, List{}) == 0);
}

TEST_CASE("the statistics of a recipe's masks") {
  const MaskStats stats = measure_masks({}, {14, 14, false}, 1, 200);
  CHECK(stats.plan.visible == 39);
  CHECK(stats.visible_components.min >= 1);
  CHECK(stats.clone_overlap.mean > 0.6);
  CHECK(stats.clone_overlap.mean < 0.72);
  const std::string text = format_mask_stats(stats);
  CHECK(contains(text, "3200 masks of 14 x 14 positions (inverse_block)"));
  CHECK(contains(text, "kept      39 of 196 positions,  19.9 %"));
}
