#include "d2v/pipeline/exif.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace d2v {
namespace {

// Bounded reads of either byte order.
struct TiffView {
  std::span<const uint8_t> data;
  bool little;

  bool has(size_t at, size_t count) const { return at <= data.size() && count <= data.size() - at; }
  uint32_t u16(size_t at) const {
    return little ? data[at] | data[at + 1] << 8 : data[at] << 8 | data[at + 1];
  }
  uint32_t u32(size_t at) const { return little ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2); }
};

constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;

bool starts_with(std::span<const uint8_t> data, const char* text, size_t size) {
  return data.size() >= size && std::memcmp(data.data(), text, size) == 0;
}

// Some writers put the prefix of JPEG's segment in front of it elsewhere too.
std::span<const uint8_t> without_prefix(std::span<const uint8_t> exif) {
  return starts_with(exif, "Exif\0\0", 6) ? exif.subspan(6) : exif;
}

}  // namespace

int exif_orientation(std::span<const uint8_t> tiff) {
  const bool little = starts_with(tiff, "II*\0", 4);
  if (!little && !starts_with(tiff, "MM\0*", 4)) return 1;
  const TiffView view{tiff, little};
  if (!view.has(4, 4)) return 1;
  const size_t directory = view.u32(4);
  if (!view.has(directory, 2)) return 1;
  const uint32_t entries = view.u16(directory);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (!view.has(entry, 12)) return 1;
    if (view.u16(entry) != kOrientationTag) continue;
    if (view.u16(entry + 2) != kShort || view.u32(entry + 4) != 1) return 1;
    const uint32_t value = view.u16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

int jpeg_orientation(std::span<const uint8_t> file) {
  // Segments from the start of image to the first scan.
  size_t at = 2;
  while (at + 4 <= file.size()) {
    if (file[at] != 0xff) {
      ++at;
      continue;
    }
    const uint8_t marker = file[at + 1];
    if (marker == 0xff || marker == 0x00 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      ++at;
      continue;
    }
    if (marker == 0xda || marker == 0xd9) return 1;
    const size_t length = file[at + 2] << 8 | file[at + 3];
    if (length < 2 || length > file.size() - at - 2) return 1;
    const auto body = file.subspan(at + 4, length - 2);
    if (marker == 0xe1 && starts_with(body, "Exif\0\0", 6)) return exif_orientation(body.subspan(6));
    at += 2 + length;
  }
  return 1;
}

int png_orientation(std::span<const uint8_t> file) {
  size_t at = 8;
  while (at + 12 <= file.size()) {
    const size_t length = size_t{file[at]} << 24 | file[at + 1] << 16 | file[at + 2] << 8 | file[at + 3];
    if (length > file.size() - at - 12) return 1;
    if (std::memcmp(file.data() + at + 4, "eXIf", 4) == 0) {
      return exif_orientation(without_prefix(file.subspan(at + 8, length)));
    }
    at += 12 + length;
  }
  return 1;
}

int webp_orientation(std::span<const uint8_t> file) {
  size_t at = 12;  // behind "RIFF", the length and "WEBP"
  while (at + 8 <= file.size()) {
    const size_t length = TiffView{file, true}.u32(at + 4);
    if (length > file.size() - at - 8) return 1;
    if (std::memcmp(file.data() + at, "EXIF", 4) == 0) {
      return exif_orientation(without_prefix(file.subspan(at + 8, length)));
    }
    at += 8 + length + length % 2;
  }
  return 1;
}

Image apply_orientation(Image stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  Image upright;
  if (swaps_sides(orientation)) {
    upright.resize(stored.width, stored.height);
  } else {
    upright.resize(stored.height, stored.width);
  }
  // Orientation names where the stored first row and first column belong in the upright picture.
  const bool swap = swaps_sides(orientation);
  const bool flip_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flip_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  for (int64_t y = 0; y < upright.height; ++y) {
    uint8_t* out = upright.row(y);
    for (int64_t x = 0; x < upright.width; ++x, out += 3) {
      int64_t source_y = swap ? x : y, source_x = swap ? y : x;
      if (flip_rows) source_y = stored.height - 1 - source_y;
      if (flip_columns) source_x = stored.width - 1 - source_x;
      std::memcpy(out, stored.row(source_y) + source_x * 3, 3);
    }
  }
  return upright;
}

Box stored_box(const Box& upright, int orientation, int64_t stored_width, int64_t stored_height) {
  if (orientation <= 1 || orientation > 8) return upright;
  Box box = upright;
  if (swaps_sides(orientation)) box = {upright.y, upright.x, upright.height, upright.width};
  const bool flip_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flip_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  if (flip_rows) box.y = stored_height - box.y - box.height;
  if (flip_columns) box.x = stored_width - box.x - box.width;
  return box;
}

}  // namespace d2v
