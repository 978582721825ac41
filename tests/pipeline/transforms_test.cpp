// Crops, flips, normalisation.
#include "d2v/pipeline/transforms.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/pipeline/resize.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

constexpr int64_t kAnySize = 178956970;

RngKey crop_key(uint64_t sample) { return {.seed = 3, .step = 1, .sample = sample}; }

std::vector<uint8_t> bytes_of(const Image& image) {
  const std::string text = test::pnm_bytes(image);
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("random crops keep to the shares of area and the ratios, and lie inside") {
  const ImageConfig config;
  int flips = 0;
  double area = 0, least = 1, most = 0;
  for (uint64_t i = 0; i < 4000; ++i) {
    const CropDraw draw = draw_crop(config, 400, 300, crop_key(i));
    const Box& box = draw.box;
    CHECK(box.x >= 0);
    CHECK(box.y >= 0);
    CHECK(box.x + box.width <= 400);
    CHECK(box.y + box.height <= 300);
    const double share = static_cast<double>(box.width * box.height) / (400 * 300);
    const double ratio = static_cast<double>(box.width) / static_cast<double>(box.height);
    CHECK(share > 0.19);
    CHECK(ratio > 0.74);
    CHECK(ratio < 1.35);
    area += share / 4000;
    least = std::min(least, share);
    most = std::max(most, share);
    flips += draw.flip;
  }
  CHECK(least < 0.21);
  CHECK(most > 0.9);
  CHECK(area > 0.45);
  CHECK(area < 0.65);
  CHECK(std::abs(flips - 2000) < 160);  // five standard errors
}

TEST_CASE("a picture too long for any crop gives its middle, as far as the ratios go") {
  ImageConfig config;
  config.crop_scale_min = 1;
  CHECK(draw_crop(config, 900, 3, crop_key(1)).box == Box{448, 0, 4, 3});
  CHECK(draw_crop(config, 3, 900, crop_key(1)).box == Box{0, 448, 3, 4});
  CHECK(draw_crop(config, 1, 1, crop_key(1)).box == Box{0, 0, 1, 1});
}

TEST_CASE("a training picture is the crop, resized and mirrored as drawn") {
  const Image image = test::formula_image(60, 80);
  const auto file = bytes_of(image);
  ImageConfig config;
  config.size = 32;
  int flipped = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    const CropDraw draw = draw_crop(config, 80, 60, crop_key(i));
    const Image part = test::crop(image, draw.box);
    Image expected = resize_bicubic(part, 32, 32);
    if (draw.flip) {
      ++flipped;
      Image mirrored = expected;
      for (int64_t y = 0; y < 32; ++y) {
        for (int64_t x = 0; x < 32; ++x)
          std::copy_n(expected.row(y) + (31 - x) * 3, 3, mirrored.row(y) + x * 3);
      }
      expected = mirrored;
    }
    CHECK(training_picture(file, config, kAnySize, crop_key(i)) == expected);
  }
  CHECK(flipped > 2);
  CHECK(flipped < 18);
}

TEST_CASE("the center picture is the middle square of the resized picture") {
  const Image image = test::formula_image(50, 91);
  ImageConfig config;
  config.size = 20;
  // 91·20/50 = 36.4, rounded down; (36 - 20) / 2 = 8.
  CHECK(center_picture(bytes_of(image), config, kAnySize) == resize_bicubic(image, 20, 36, {8, 0, 20, 20}));
  config.crop = CropKind::center;
  CHECK(training_picture(bytes_of(image), config, kAnySize, crop_key(1)) ==
        center_picture(bytes_of(image), config, kAnySize));
}

TEST_CASE("pad_square puts the picture into the middle of a white square") {
  const Image image = test::formula_image(10, 30);
  ImageConfig config;
  config.size = 30;
  config.pad_square = true;
  const Image padded = center_picture(bytes_of(image), config, kAnySize);
  Image expected;
  expected.resize(30, 30);
  std::fill(expected.pixels.begin(), expected.pixels.end(), 255);
  std::copy(image.pixels.begin(), image.pixels.end(), expected.row(10));
  CHECK(padded == expected);

  // A training crop is drawn in the padded square.
  for (uint64_t i = 0; i < 20; ++i) {
    const CropDraw draw = draw_crop(config, 30, 30, crop_key(i));
    if (draw.flip) continue;
    const Image part = test::crop(expected, draw.box);
    CHECK(training_picture(bytes_of(image), config, kAnySize, crop_key(i)) == resize_bicubic(part, 30, 30));
  }
  // A long, thin picture must not become a huge square.
  CHECK(contains(test::message_of<DataError>(
                     [&] { center_picture(bytes_of(test::formula_image(1, 100)), config, 5000); }),
                 "padded to a square by image.pad_square"));
}

TEST_CASE("pictures of any shape pass: 1×1, very wide, very tall") {
  ImageConfig config;
  config.size = 16;
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 700}, {700, 1}, {3, 900}, {900, 3}}) {
    const auto file = bytes_of(test::formula_image(height, width));
    CHECK(training_picture(file, config, kAnySize, crop_key(1)).pixels.size() == 16 * 16 * 3);
    CHECK(center_picture(file, config, kAnySize).pixels.size() == 16 * 16 * 3);
  }
}

TEST_CASE("normalisation: planes of (value/255 - mean) / std") {
  const ImageConfig config;
  const Image image = test::formula_image(5, 7);
  std::vector<float> out(3 * 35);
  Normalizer{config}(image, out);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < 35; ++i) {
      const double expected = (image.pixels[i * 3 + c] / 255.0 - config.mean[c]) / config.std[c];
      CHECK(out[c * 35 + i] == doctest::Approx(expected).epsilon(1e-5));
    }
  }
  ImageConfig wrong;
  wrong.mean = {0.5};
  CHECK(contains(test::message_of<UsageError>([&] { Normalizer{wrong}; }), "image.mean: expected 3 numbers"));
  wrong = {};
  wrong.std = {1, 0, 1};
  CHECK(contains(test::message_of<UsageError>([&] { Normalizer{wrong}; }),
                 "image.std: expected numbers above 0"));
}
