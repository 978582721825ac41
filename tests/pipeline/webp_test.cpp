// WebP: lossless and lossy, alpha, animations, orientation, damage. Files are written here by libwebp's encoder.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <webp/encode.h>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/exif.h"
#include "d2v/pipeline/image_reader.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

constexpr int64_t kLargest = 1 << 20;

std::string taken(uint8_t* bytes, size_t size) {
  std::string text(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  return text;
}

std::string lossless(const Image& image) {
  uint8_t* bytes = nullptr;
  const size_t size =
      WebPEncodeLosslessRGB(image.pixels.data(), static_cast<int>(image.width),
                            static_cast<int>(image.height), static_cast<int>(image.width * 3), &bytes);
  return taken(bytes, size);
}

std::string lossless_with_alpha(const std::vector<uint8_t>& rgba, int width, int height) {
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeLosslessRGBA(rgba.data(), width, height, width * 4, &bytes);
  return taken(bytes, size);
}

std::string lossy(const Image& image) {
  uint8_t* bytes = nullptr;
  const size_t size =
      WebPEncodeRGB(image.pixels.data(), static_cast<int>(image.width), static_cast<int>(image.height),
                    static_cast<int>(image.width * 3), 90, &bytes);
  return taken(bytes, size);
}

std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

std::string chunk(const std::string& name, const std::string& body) {
  return name + little(body.size(), 4) + body + std::string(body.size() % 2, '\0');
}

std::string riff(const std::string& chunks) {
  return "RIFF" + little(chunks.size() + 4, 4) + "WEBP" + chunks;
}

// The chunk of the pixels, of a file with no other.
std::string pixels_of(const std::string& file) { return file.substr(12); }

constexpr int kAnimated = 0x02, kExif = 0x08;

std::string canvas(int flags, int width, int height) {
  return chunk("VP8X", little(static_cast<uint64_t>(flags), 4) + little(static_cast<uint64_t>(width - 1), 3) +
                           little(static_cast<uint64_t>(height - 1), 3));
}

// A frame at (x, y), both even.
std::string frame(const std::string& file, int x, int y, int64_t width, int64_t height) {
  return chunk("ANMF", little(static_cast<uint64_t>(x / 2), 3) + little(static_cast<uint64_t>(y / 2), 3) +
                           little(static_cast<uint64_t>(width - 1), 3) +
                           little(static_cast<uint64_t>(height - 1), 3) + little(100, 3) + little(0, 1) +
                           pixels_of(file));
}

std::span<const uint8_t> view(const std::string& file) {
  return {reinterpret_cast<const uint8_t*>(file.data()), file.size()};
}

Image decoded(const std::string& file) { return decode_image(view(file), kLargest); }

std::string refusal(const std::string& file) {
  return test::message_of<DataError>([&] { decoded(file); });
}

}  // namespace

TEST_CASE("a lossless picture has the pixels that were written, whole and in part") {
  const Image image = test::formula_image(37, 52);
  const std::string file = lossless(image);
  CHECK(decoded(file) == image);
  const ImageInfo info = read_image_info(view(file), kLargest);
  CHECK(info.format == ImageFormat::webp);
  Philox random({.seed = 9});
  for (int i = 0; i < 30; ++i) {
    Box box;
    box.width = 1 + random.below(static_cast<uint32_t>(image.width));
    box.height = 1 + random.below(static_cast<uint32_t>(image.height));
    box.x = random.below(static_cast<uint32_t>(image.width - box.width + 1));
    box.y = random.below(static_cast<uint32_t>(image.height - box.height + 1));
    CHECK(decode_box(view(file), info, box) == test::crop(image, box));
  }
}

TEST_CASE("a lossy picture is near what was written") {
  Image image;
  image.resize(48, 64);  // smooth: what compression keeps
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width * 3; ++x)
      image.row(y)[x] = static_cast<uint8_t>(40 + 2 * y + x / 3 + 20 * (x % 3));
  const Image got = decoded(lossy(image));
  REQUIRE(got.pixels.size() == image.pixels.size());
  int worst = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i)
    worst = std::max(worst, std::abs(int{got.pixels[i]} - int{image.pixels[i]}));
  CHECK(worst <= 12);
}

TEST_CASE("alpha is laid over white") {
  const std::vector<uint8_t> rgba{10, 20, 30, 255, 10, 20, 30, 128, 10, 20, 30, 1, 200, 100, 0, 51};
  const Image got = decoded(lossless_with_alpha(rgba, 4, 1));
  // v·a/255 + 255 - a, rounded
  CHECK(got.pixels == std::vector<uint8_t>{10, 20, 30, 132, 137, 142, 254, 254, 254, 244, 224, 204});
}

TEST_CASE("of an animation the first frame is read, where it lies on its canvas") {
  const Image first = test::formula_image(10, 12), second = test::formula_image(10, 12, 1);
  const std::string file =
      riff(canvas(kAnimated, 20, 16) + chunk("ANIM", little(0xff0000ff, 4) + little(0, 2)) +
           frame(lossless(first), 4, 2, 12, 10) + frame(lossless(second), 4, 2, 12, 10));
  const Image got = decoded(file);
  REQUIRE(got.width == 20);
  REQUIRE(got.height == 16);
  CHECK(test::crop(got, {4, 2, 12, 10}) == first);
  CHECK(got.pixels[0] == 255);  // white where no frame is, whatever the background asked for
  CHECK(contains(refusal(file.substr(0, 60)), "broken or truncated WebP animation"));
}

TEST_CASE("EXIF turns a WebP as it turns a JPEG") {
  const Image stored = test::formula_image(9, 14);
  for (const std::string& prefix : {std::string(), std::string("Exif\0\0", 6)}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const std::string tiff = std::string("II*\0", 4) + little(8, 4) + little(1, 2) + little(0x0112, 2) +
                               little(3, 2) + little(1, 4) + little(static_cast<uint64_t>(orientation), 4) +
                               little(0, 4);
      const std::string file =
          riff(canvas(kExif, 14, 9) + pixels_of(lossless(stored)) + chunk("EXIF", prefix + tiff));
      CHECK(read_image_info(view(file), kLargest).orientation == orientation);
      CHECK(decoded(file) == apply_orientation(stored, orientation));
    }
  }
}

TEST_CASE("damage is an error with a reason, a canvas beyond the limit is refused by its header") {
  for (const std::string& whole :
       {lossless(test::formula_image(40, 40)), lossy(test::formula_image(40, 40))}) {
    for (size_t size = 12; size < whole.size(); size += 1 + size / 16) {
      INFO(size);
      const std::string reason = refusal(whole.substr(0, size));
      CHECK((contains(reason, "broken WebP header") || contains(reason, "broken or truncated WebP")));
    }
  }
  const std::string bomb =
      riff(canvas(kAnimated, 16000, 16000) + frame(lossless(test::formula_image(4, 4)), 0, 0, 4, 4));
  CHECK(contains(refusal(bomb), "16000x16000 is more than data.max_pixels"));
  // The canvas promises more than the picture holds.
  CHECK(
      contains(refusal(riff(canvas(0, 50, 50) + pixels_of(lossless(test::formula_image(40, 40))))), "WebP"));
}
