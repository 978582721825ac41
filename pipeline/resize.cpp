#include "d2v/pipeline/resize.h"

#include <algorithm>
#include <cstring>

#include "d2v/base/check.h"
#include "resize_passes.h"
#include "resize_taps.h"

namespace d2v {
namespace {

struct Extent {
  int64_t low;
  int64_t high;
};

// The inputs that any of the outputs reads.
Extent inputs_of(const Taps& taps) {
  Extent extent{taps.first.front(), 0};
  for (size_t i = 0; i < taps.first.size(); ++i) {
    extent.low = std::min(extent.low, taps.first[i]);
    extent.high = std::max(extent.high, taps.first[i] + taps.used[i]);
  }
  return extent;
}

Image copy_box(const Image& image, const Box& box) {
  Image result;
  result.resize(box.height, box.width);
  for (int64_t y = 0; y < box.height; ++y) {
    std::memcpy(result.row(y), image.row(box.y + y) + box.x * 3, static_cast<size_t>(box.width * 3));
  }
  return result;
}

// Rows [rows.low, rows.high) through the horizontal pass.
Image horizontal(const Image& image, const Taps& taps, Extent rows) {
  Image result;
  result.resize(rows.high - rows.low, static_cast<int64_t>(taps.first.size()));
  for (int64_t y = 0; y < result.height; ++y)
    resize_row(image.row(rows.low + y), image.width, taps, result.row(y));
  return result;
}

// Columns [columns.low, columns.high) through the vertical pass; row 0 of the image is input `top` of the taps.
Image vertical(const Image& image, const Taps& taps, Extent columns, int64_t top) {
  Image result;
  result.resize(static_cast<int64_t>(taps.first.size()), columns.high - columns.low);
  for (int64_t y = 0; y < result.height; ++y) {
    blend_rows(image.row(taps.first[y] - top) + columns.low * 3, image.width * 3, result.width * 3,
               taps.weights.data() + y * taps.width, taps.used[y], result.row(y));
  }
  return result;
}

}  // namespace

Image resize_bicubic(const Image& image, int64_t height, int64_t width) {
  return resize_bicubic(image, height, width, {0, 0, width, height});
}

Image resize_bicubic(const Image& image, int64_t height, int64_t width, const Box& window) {
  check(height > 0 && width > 0 && image.height > 0 && image.width > 0,
        "resize: expected sides of at least 1, found {}x{} to {}x{}", image.width, image.height, width,
        height);
  check(window.x >= 0 && window.y >= 0 && window.width > 0 && window.height > 0 &&
            window.x + window.width <= width && window.y + window.height <= height,
        "resize: window {}x{} at ({}, {}) leaves the result of {}x{}", window.width, window.height, window.x,
        window.y, width, height);
  // A pass that changes nothing is left out.
  if (width == image.width && height == image.height) return copy_box(image, window);
  if (width == image.width) {
    const Taps down = bicubic_taps(image.height, height, window.y, window.height);
    return vertical(image, down, {window.x, window.x + window.width}, 0);
  }
  const Taps across = bicubic_taps(image.width, width, window.x, window.width);
  if (height == image.height) return horizontal(image, across, {window.y, window.y + window.height});

  Taps down = bicubic_taps(image.height, height, window.y, window.height);
  if (image.height > height && image.height - height > 2 * (image.width - width)) {
    const Extent columns = inputs_of(across);
    const Image low = vertical(image, down, columns, 0);
    Taps shifted = across;
    for (int64_t& first : shifted.first) first -= columns.low;
    return horizontal(low, shifted, {0, low.height});
  }
  const Extent rows = inputs_of(down);
  const Image narrow = horizontal(image, across, rows);
  return vertical(narrow, down, {0, narrow.width}, rows.low);
}

Image resize_bicubic(const Image& image, const RealBox& box, int64_t height, int64_t width) {
  check(height > 0 && width > 0 && box.width > 0 && box.height > 0 && box.x >= 0 && box.y >= 0 &&
            box.x + box.width <= static_cast<double>(image.width) &&
            box.y + box.height <= static_cast<double>(image.height),
        "resize: box {}x{} at ({}, {}) of a picture of {}x{} to {}x{}", box.width, box.height, box.x, box.y,
        image.width, image.height, width, height);
  const Taps across = bicubic_taps(image.width, box.x, box.width, width, 0, width);
  const Taps down = bicubic_taps(image.height, box.y, box.height, height, 0, height);
  const Extent rows = inputs_of(down);
  const Image narrow = horizontal(image, across, rows);
  return vertical(narrow, down, {0, narrow.width}, rows.low);
}

}  // namespace d2v
