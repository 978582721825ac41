// JPEGs decoded at a part of their size: off, nothing changes; on, the picture is close to a resize of the full one.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "../../pipeline/jpeg.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/exif.h"
#include "d2v/pipeline/resize.h"
#include "d2v/pipeline/transforms.h"
#include "loader_support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMostPixels = 178956970;

// Slow waves: what a reduction keeps.
std::vector<uint8_t> smooth_jpeg(int64_t height, int64_t width) {
  Image image;
  image.resize(height, width);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.row(y)[3 * x + c] =
            static_cast<uint8_t>(128 + 60 * std::sin(static_cast<double>(x) * 0.04 + static_cast<double>(c)) +
                                 60 * std::cos(static_cast<double>(y) * 0.05 - static_cast<double>(c)));
  const std::string text = test::jpeg_bytes(image);
  return {text.begin(), text.end()};
}

double mean_difference(const Image& a, const Image& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(int{a.pixels[i]} - int{b.pixels[i]});
  return sum / static_cast<double>(a.pixels.size());
}

std::vector<uint8_t> photo(int number) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(test::test_data() / "datasets/images/kodak-jpeg"))
    if (entry.path().extension() == ".jpg") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<uint8_t> bytes;
  read_file(files.at(static_cast<size_t>(number)), bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a box at any reduction and orientation shows what the full box shows") {
  const std::vector<uint8_t> file = smooth_jpeg(203, 301);
  Philox random({.seed = 5});
  for (int i = 0; i < 200; ++i) {
    ImageInfo info = read_image_info(file, kMostPixels);
    info.orientation = 1 + i % 8;
    if (swaps_sides(info.orientation)) std::swap(info.width, info.height);
    const int64_t width = 40 + random.below(static_cast<uint32_t>(info.width - 39)),
                  height = 40 + random.below(static_cast<uint32_t>(info.height - 39));
    const Box box{random.below(static_cast<uint32_t>(info.width - width + 1)),
                  random.below(static_cast<uint32_t>(info.height - height + 1)), width, height};
    const int64_t side = 5 + random.below(60);
    CAPTURE(info.orientation);
    CAPTURE(side);
    const Image full = resize_bicubic(decode_box(file, info, box), side, side);
    const ScaledBox scaled = decode_box_scaled(file, info, box, side);
    CHECK(std::min(scaled.box.width, scaled.box.height) >=
          static_cast<double>(std::min({side, width, height})));
    CHECK(mean_difference(resize_bicubic(scaled.image, scaled.box, side, side), full) < 2.5);
  }
}

TEST_CASE("a box of a reduced picture holds exactly the pixels of the whole reduced picture") {
  const std::vector<uint8_t> file = smooth_jpeg(203, 301);
  Philox random({.seed = 6});
  for (const int eighths : {1, 2, 4, 8}) {
    const int64_t width = (301 * eighths + 7) / 8, height = (203 * eighths + 7) / 8;
    const Image whole = decode_jpeg(file, {0, 0, width, height}, true, eighths);
    for (int i = 0; i < 30; ++i) {
      const int64_t w = 1 + random.below(static_cast<uint32_t>(width)),
                    h = 1 + random.below(static_cast<uint32_t>(height));
      const Box box{random.below(static_cast<uint32_t>(width - w + 1)),
                    random.below(static_cast<uint32_t>(height - h + 1)), w, h};
      CAPTURE(eighths);
      CHECK(decode_jpeg(file, box, false, eighths) == test::crop(whole, box));
    }
  }
}

TEST_CASE("what is small, or no JPEG, is decoded in full") {
  const std::vector<uint8_t> file = smooth_jpeg(100, 100);
  const ImageInfo info = read_image_info(file, kMostPixels);
  const Box box{10, 20, 63, 70};
  const ScaledBox same = decode_box_scaled(file, info, box, 32);
  CHECK(same.image == decode_box(file, info, box));
  CHECK(same.box.width == 63);
  CHECK(decode_box_scaled(file, info, {10, 20, 64, 70}, 32).image.width < 63);

  const std::string text = test::pnm_bytes(test::formula_image(100, 100));
  const std::vector<uint8_t> pnm(text.begin(), text.end());
  const ImageInfo plain = read_image_info(pnm, kMostPixels);
  CHECK(decode_box_scaled(pnm, plain, box, 4).image == decode_box(pnm, plain, box));
}

TEST_CASE("photos: off is the full decode's resize to the bit, on is within a few levels of it") {
  D2V_NEED_TEST_DATA("datasets/images/kodak-jpeg");
  ImageConfig config;
  config.size = 96;
  config.flip = 0;
  int reduced = 0;
  for (int i = 0; i < 12; ++i) {
    const std::vector<uint8_t> file = photo(2 * i);
    const RngKey key{.seed = 1, .sample = static_cast<uint64_t>(i)};
    const ImageInfo info = read_image_info(file, kMostPixels);
    const Box box = draw_crop(config, info.width, info.height, key).box;
    const Image off = training_picture(file, config, kMostPixels, key);
    CHECK(off == resize_bicubic(test::crop(decode_image(file, info), box), 96, 96));
    const Image on = training_picture(file, config, kMostPixels, key, nullptr, true);
    CHECK(mean_difference(on, off) < 4);
    reduced += on != off;
  }
  CHECK(reduced > 8);
}

TEST_CASE("data.jpeg_scaling is off unless asked for, and changes training's crops only") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    const std::vector<uint8_t> file = smooth_jpeg(200 + 10 * i, 240);
    test::write(folder.path() / (std::to_string(i) + ".jpg"),
                {reinterpret_cast<const char*>(file.data()), file.size()});
  }
  LoaderSettings settings = test::small_settings();
  settings.data.batch = 4;
  settings.last_update = 1;
  settings.image.crop_scale_min = 0.5;
  const ImageSource source = scan_images(folder.path(), settings.data);
  const auto first_batch = [&](bool scaling, LoaderMode mode) {
    LoaderSettings given = settings;
    given.data.jpeg_scaling = scaling;
    given.mode = mode;
    Loader loader(source, given);
    const BatchPtr batch = loader.next();
    return std::vector<float>(batch->input.span().begin(), batch->input.span().end());
  };
  CHECK(!DataConfig{}.jpeg_scaling);
  CHECK(first_batch(true, LoaderMode::train) != first_batch(false, LoaderMode::train));
  CHECK(first_batch(true, LoaderMode::evaluate) == first_batch(false, LoaderMode::evaluate));
}
