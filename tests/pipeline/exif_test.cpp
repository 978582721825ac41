// EXIF orientation: reading the tag, turning pixels and boxes.
#include "d2v/pipeline/exif.h"

#include <string>

#include "support.h"

#include "doctest.h"

using namespace d2v;

namespace {

// A TIFF structure with one directory of one entry.
std::vector<uint8_t> tiff(bool little, uint16_t tag, uint16_t type, uint32_t count, uint16_t value) {
  std::vector<uint8_t> bytes;
  const auto put = [&](uint32_t number, int size) {
    for (int i = 0; i < size; ++i)
      bytes.push_back(static_cast<uint8_t>(number >> 8 * (little ? i : size - 1 - i)));
  };
  for (const char c : std::string(little ? "II" : "MM")) bytes.push_back(static_cast<uint8_t>(c));
  put(42, 2);
  put(8, 4);  // offset of the directory
  put(1, 2);  // entries
  put(tag, 2);
  put(type, 2);
  put(count, 4);
  put(value, 2);
  put(0, 2);
  put(0, 4);  // no further directory
  return bytes;
}

constexpr uint16_t kOrientation = 0x112, kShort = 3;

}  // namespace

TEST_CASE("the tag is read in both byte orders") {
  for (uint16_t value = 1; value <= 8; ++value) {
    CHECK(exif_orientation(tiff(true, kOrientation, kShort, 1, value)) == value);
    CHECK(exif_orientation(tiff(false, kOrientation, kShort, 1, value)) == value);
  }
}

TEST_CASE("whatever is missing or damaged means upright") {
  CHECK(exif_orientation({}) == 1);
  CHECK(exif_orientation(tiff(true, 0x110, kShort, 1, 6)) == 1);         // another tag
  CHECK(exif_orientation(tiff(true, kOrientation, 4, 1, 6)) == 1);       // another type
  CHECK(exif_orientation(tiff(true, kOrientation, kShort, 2, 6)) == 1);  // two values
  CHECK(exif_orientation(tiff(true, kOrientation, kShort, 1, 9)) == 1);  // out of range
  const auto whole = tiff(true, kOrientation, kShort, 1, 6);
  for (size_t size = 0; size < 20; ++size) CHECK(exif_orientation(std::span(whole).first(size)) == 1);
  auto far = whole;
  far[4] = far[5] = far[6] = far[7] = 0xff;  // a directory beyond the end
  CHECK(exif_orientation(far) == 1);
}

TEST_CASE("a JPEG's orientation is that of its first EXIF segment") {
  const auto body = tiff(false, kOrientation, kShort, 1, 8);
  std::string file = "\xff\xd8";
  file += std::string("\xff\xe0\0\4ab", 6);  // another segment
  file += std::string("\xff\xe1\0", 3) + static_cast<char>(2 + 6 + body.size()) + std::string("Exif\0\0", 6);
  file.append(body.begin(), body.end());
  const auto view = [](const std::string& text) {
    return std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  };
  CHECK(jpeg_orientation(view(file)) == 8);
  CHECK(jpeg_orientation(view(file.substr(0, 20))) == 1);
  CHECK(jpeg_orientation(view("\xff\xd8\xff\xda" + file.substr(2))) == 1);  // after the start of the scan
}

TEST_CASE("pixels are turned as EXIF says") {
  // Stored 2 × 3:  a b c     The letter stands in the red channel.
  //                d e f
  Image stored;
  stored.resize(2, 3);
  for (int i = 0; i < 6; ++i) stored.pixels[i * 3] = static_cast<uint8_t>('a' + i);
  const auto turned = [&](int orientation) {
    const Image upright = apply_orientation(stored, orientation);
    std::string text;
    for (int64_t y = 0; y < upright.height; ++y) {
      for (int64_t x = 0; x < upright.width; ++x) text += static_cast<char>(upright.row(y)[x * 3]);
      text += ' ';
    }
    return text;
  };
  CHECK(turned(1) == "abc def ");
  CHECK(turned(2) == "cba fed ");
  CHECK(turned(3) == "fed cba ");
  CHECK(turned(4) == "def abc ");
  CHECK(turned(5) == "ad be cf ");
  CHECK(turned(6) == "da eb fc ");
  CHECK(turned(7) == "fc eb da ");
  CHECK(turned(8) == "cf be ad ");
}

TEST_CASE("a box of the upright picture is found in the stored one") {
  const Image stored = test::formula_image(13, 17);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image upright = apply_orientation(stored, orientation);
    const Box box{2, 1, 7, 5};
    const Box inside = stored_box(box, orientation, stored.width, stored.height);
    CHECK(apply_orientation(test::crop(stored, inside), orientation) == test::crop(upright, box));
  }
}
