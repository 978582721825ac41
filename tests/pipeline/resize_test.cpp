// Bicubic resize: Pillow's pixels, windows, and the fast loops against the plain ones.
#include "d2v/pipeline/resize.h"

#include "../../pipeline/resize_passes.h"
#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;

namespace {

uint64_t fnv1a(const std::vector<uint8_t>& bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

}  // namespace

TEST_CASE("the pixels are Pillow's, bit for bit") {
  // From Pillow 13.0: FNV-1a over np.asarray(Image.fromarray(picture).resize((width, height), Image.BICUBIC)), where
  // picture[y, x, c] = (7x² + 13y(c+1) + 3xy + 50c) mod 256. The third to fifth and more resize vertically first.
  struct Expected {
    int64_t from_height, from_width, height, width;
    uint64_t hash;
  };
  const Expected table[] = {
      {37, 53, 16, 16, 0x78c898730500fefbu},  {64, 48, 32, 24, 0xc886e0476860a985u},
      {100, 20, 31, 32, 0x6f4fd3ed35c9fff5u}, {20, 100, 32, 31, 0x805de51743555c09u},
      {7, 5, 40, 33, 0x8ac1ccbc91b9bfc0u},    {1, 1, 8, 8, 0x90a45f6b1e14c825u},
      {90, 120, 1, 1, 0x2fbd371ae17f7f16u},   {48, 48, 48, 20, 0xd4bb528979d06faau},
      {48, 48, 20, 48, 0x5dac38e26ca2b575u},  {300, 40, 20, 30, 0x035a0b1010c3b25du},
      {33, 65, 33, 65, 0xee9345caa19abb29u},  {224, 200, 223, 199, 0x8963fcc055ec19dcu},
  };
  for (const Expected& expected : table) {
    const Image image = test::formula_image(expected.from_height, expected.from_width);
    const Image result = resize_bicubic(image, expected.height, expected.width);
    INFO(expected.from_height, "x", expected.from_width, " to ", expected.height, "x", expected.width);
    CHECK(result.height == expected.height);
    CHECK(result.width == expected.width);
    CHECK(fnv1a(result.pixels) == expected.hash);
  }
}

TEST_CASE("a window is a part of the whole result") {
  Philox random({.seed = 8});
  for (int i = 0; i < 200; ++i) {
    const Image image = test::formula_image(1 + random.below(90), 1 + random.below(90), i);
    const int64_t height = 1 + random.below(60), width = 1 + random.below(60);
    Box window;
    window.height = 1 + random.below(static_cast<uint32_t>(height));
    window.width = 1 + random.below(static_cast<uint32_t>(width));
    window.y = random.below(static_cast<uint32_t>(height - window.height + 1));
    window.x = random.below(static_cast<uint32_t>(width - window.width + 1));
    CHECK(resize_bicubic(image, height, width, window) ==
          test::crop(resize_bicubic(image, height, width), window));
  }
}

TEST_CASE("the vector loops equal the plain ones") {
  Philox random({.seed = 9});
  for (int i = 0; i < 300; ++i) {
    const int64_t in = 1 + random.below(200), out = 1 + random.below(200);
    const Taps taps = bicubic_taps(in, out, 0, out);
    std::vector<uint8_t> row(in * 3), fast(out * 3), slow(out * 3);
    for (uint8_t& value : row) value = static_cast<uint8_t>(random.below(3) == 0 ? 255 : random.below(256));
    resize_row(row.data(), in, taps, fast.data());
    plain::resize_row(row.data(), in, taps, slow.data());
    CHECK(fast == slow);

    const int64_t bytes = 1 + random.below(120), stride = bytes + random.below(9);
    const int64_t at = random.below(static_cast<uint32_t>(out)), count = taps.used[at];
    std::vector<uint8_t> rows(count * stride), across(bytes), plainly(bytes);
    for (uint8_t& value : rows) value = static_cast<uint8_t>(random.below(3) == 0 ? 255 : random.below(256));
    const int32_t* weights = taps.weights.data() + at * taps.width;
    blend_rows(rows.data(), stride, bytes, weights, count, across.data());
    plain::blend_rows(rows.data(), stride, bytes, weights, count, plainly.data());
    CHECK(across == plainly);
  }
}

TEST_CASE("sides below 1 and windows outside are refused") {
  const Image image = test::formula_image(4, 4);
  CHECK_THROWS_AS(resize_bicubic(image, 0, 4), Error);
  CHECK_THROWS_AS(resize_bicubic(Image{}, 4, 4), Error);
  CHECK_THROWS_AS(resize_bicubic(image, 8, 8, {4, 0, 5, 8}), Error);
}
