// A decoded picture and a box in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace d2v {

// 8-bit RGB, (height, width, 3) row-major.
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;

  // Sets the size; the contents are unspecified afterwards.
  void resize(int64_t new_height, int64_t new_width) {
    height = new_height;
    width = new_width;
    pixels.resize(static_cast<size_t>(height * width * 3));
  }
  uint8_t* row(int64_t y) { return pixels.data() + y * width * 3; }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * width * 3; }
  bool operator==(const Image&) const = default;
};

// Pixels [x, x + width) × [y, y + height).
struct Box {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const Box&) const = default;
};

// [x, x + width) × [y, y + height) in pixels and parts of them.
struct RealBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

}  // namespace d2v
