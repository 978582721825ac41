// Near-duplicates: the same picture in another size or format is in the same group, another picture is not.
#include "d2v/pipeline/near_duplicates.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "d2v/pipeline/png_writer.h"
#include "d2v/pipeline/resize.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Soft shapes, as pictures have.
Image soft_picture(int variant) {
  Image noise = test::formula_image(5, 5, variant * 37);
  return resize_bicubic(noise, 96, 96);
}

std::string png_text(const Image& image) {
  const auto png = encode_png(image);
  return {png.begin(), png.end()};
}

}  // namespace

TEST_CASE("copies in other sizes and formats share a group, other pictures have their own") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/1.png", png_text(soft_picture(0)));
  test::write(folder.path() / "a/1_small.png", png_text(resize_bicubic(soft_picture(0), 64, 64)));
  test::write(folder.path() / "b/1.jpg", test::jpeg_bytes(soft_picture(0)));
  test::write(folder.path() / "b/2.png", png_text(soft_picture(1)));
  test::write(folder.path() / "b/3.png", png_text(soft_picture(2)));
  test::write(folder.path() / "b/broken.png", "broken");
  ImageSource source = scan_images(folder.path(), {});
  for (const ImageSample& sample : source.samples) CHECK(sample.group == sample.id);
  group_near_duplicates(source, 1 << 20, 2);
  std::map<std::string, uint64_t> group;
  for (const ImageSample& sample : source.samples) group[sample.path] = sample.group;
  CHECK(group["a/1.png"] == group["a/1_small.png"]);
  CHECK(group["a/1.png"] == group["b/1.jpg"]);
  CHECK(group["a/1.png"] != group["b/2.png"]);
  CHECK(group["b/2.png"] != group["b/3.png"]);
  CHECK(group["b/broken.png"] == image_id("b/broken.png"));
}

TEST_CASE("drawings on white are told apart, however little of the white they cover") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    Image drawing;
    drawing.resize(64, 64);
    std::fill(drawing.pixels.begin(), drawing.pixels.end(), 255);
    for (int64_t k = 0; k < 8; ++k)
      std::fill_n(drawing.row(8 + 12 * i + k % 4) + (10 + 9 * i) * 3, 12, uint8_t{0});
    test::write(folder.path() / (std::to_string(i) + ".png"), png_text(drawing));
  }
  ImageSource source = scan_images(folder.path(), {});
  group_near_duplicates(source, 1 << 20, 1);
  for (const ImageSample& sample : source.samples) CHECK(sample.group == sample.id);
}

TEST_CASE("the cache saves decoding, notices changed files, and may be damaged") {
  const test::TemporaryFolder folder, elsewhere;
  test::write(folder.path() / "1.png", png_text(soft_picture(0)));
  test::write(folder.path() / "2.png", png_text(resize_bicubic(soft_picture(0), 64, 64)));
  NearDuplicateOptions options;
  options.cache = elsewhere.path() / "new" / "thumbnails.bin";
  const auto same_group = [&] {
    ImageSource source = scan_images(folder.path(), {});
    group_near_duplicates(source, options);
    return source.samples[0].group == source.samples[1].group;
  };
  CHECK(same_group());
  REQUIRE(std::filesystem::exists(options.cache));

  // Another picture of the same length at the same time: the cache does not see it, which shows that it is used.
  const std::string other(png_text(resize_bicubic(soft_picture(0), 64, 64)).size(), 'x');
  const auto time = std::filesystem::last_write_time(folder.path() / "2.png");
  test::write(folder.path() / "2.png", other);
  std::filesystem::last_write_time(folder.path() / "2.png", time);
  CHECK(same_group());
  std::filesystem::last_write_time(folder.path() / "2.png", time + std::chrono::seconds(2));
  CHECK(!same_group());

  test::write(folder.path() / "2.png", png_text(soft_picture(0)));
  for (const char* damage : {"", "d2vthum1", "nonsense that is longer than the header"}) {
    test::write(options.cache, damage);
    CHECK(same_group());
  }
}
