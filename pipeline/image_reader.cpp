#include "d2v/pipeline/image_reader.h"

#include <algorithm>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/pipeline/byte_source.h"
#include "d2v/pipeline/exif.h"
#include "jpeg.h"
#include "png.h"
#include "stb.h"
#include "webp.h"

namespace d2v {
namespace {

bool has(std::span<const uint8_t> file, size_t at, std::string_view text) {
  return file.size() >= at + text.size() && std::memcmp(file.data() + at, text.data(), text.size()) == 0;
}

// Formats that are known but not read: named, so that the user knows what to convert.
std::string_view foreign_format(std::span<const uint8_t> file) {
  using namespace std::string_view_literals;
  if (has(file, 0, "II*\0"sv) || has(file, 0, "MM\0*"sv) || has(file, 0, "II+\0"sv)) return "TIFF";
  if (has(file, 4, "ftypavif") || has(file, 4, "ftypavis")) return "AVIF";
  if (has(file, 4, "ftyphei") || has(file, 4, "ftyphev") || has(file, 4, "ftypmif1")) return "HEIF";
  if (has(file, 0, "\0\0\0\x0cjP  "sv) || has(file, 0, "\xff\x4f\xff\x51"sv)) return "JPEG 2000";
  if (has(file, 0, "\xff\x0a"sv) || has(file, 0, "\0\0\0\x0cJXL "sv)) return "JPEG XL";
  if (has(file, 0, "8BPS")) return "Photoshop";
  if (has(file, 0, "%PDF")) return "PDF";
  if (has(file, 0, "\0\0\x01\0"sv)) return "icon";
  if (file.size() > 2 && file[0] == 'P' && strchr("1234F7", file[1]) != nullptr) return "this kind of PNM";
  return {};
}

// TGA has no signature: colour map 0 or 1, a known type, and for colour-mapped types a map.
bool looks_like_tga(std::span<const uint8_t> file) {
  if (file.size() < 18) return false;
  const int map = file[1], type = file[2] & ~8, depth = file[16];
  const bool known = map == 1 ? type == 1 : map == 0 && (type == 2 || type == 3);
  return known && (file[2] & 0xf0) == 0 &&
         (depth == 8 || depth == 15 || depth == 16 || depth == 24 || depth == 32);
}

ImageFormat format_of(std::span<const uint8_t> file) {
  using namespace std::string_view_literals;
  if (has(file, 0, "\xff\xd8\xff"sv)) return ImageFormat::jpeg;
  if (has(file, 0, "\x89PNG\r\n\x1a\n"sv)) return ImageFormat::png;
  if (has(file, 0, "GIF87a") || has(file, 0, "GIF89a")) return ImageFormat::gif;
  if (has(file, 0, "BM")) return ImageFormat::bmp;
  if (has(file, 0, "P5") || has(file, 0, "P6")) return ImageFormat::pnm;
  if (has(file, 0, "RIFF") && has(file, 8, "WEBP")) return ImageFormat::webp;
  check<DataError>(!file.empty(), "empty file (0 bytes)");
  const std::string_view foreign = foreign_format(file);
  check<DataError>(foreign.empty(), "{} is not supported; convert it to PNG or JPEG", foreign);
  check<DataError>(looks_like_tga(file),
                   "not a picture (expected JPEG, PNG, WebP, BMP, GIF, TGA or binary PNM)");
  return ImageFormat::tga;
}

ImageInfo read_header(std::span<const uint8_t> file, ImageFormat format) {
  if (format == ImageFormat::jpeg) return read_jpeg_info(file);
  if (format == ImageFormat::webp) return read_webp_info(file);
  return read_stb_info(file, format);
}

// All but JPEG, of which a part can be decoded.
Image decode_whole(std::span<const uint8_t> file, ImageFormat format, int64_t width, int64_t height) {
  if (format == ImageFormat::webp) return decode_webp(file, width, height);
  if (format == ImageFormat::png) check_png_chunks(file);
  return decode_stb(file, width, height);
}

void check_inside(const ImageInfo& info, const Box& box) {
  check(box.x >= 0 && box.y >= 0 && box.width > 0 && box.height > 0 && box.x + box.width <= info.width &&
            box.y + box.height <= info.height,
        "decode_box: box {}x{} at ({}, {}) leaves the picture of {}x{}", box.width, box.height, box.x, box.y,
        info.width, info.height);
}

// Of libjpeg's reductions those with quick arithmetic.
int eighths_for(int64_t side, int64_t least) {
  for (const int eighths : {1, 2, 4})
    if (side * eighths >= least * 8) return eighths;
  return 8;
}

// Pixels of the reduced picture that hold a span of the full one, and how much of them lies before and after it.
struct ScaledSpan {
  int64_t first, count;
  double before, after;
};
ScaledSpan scaled_span(int64_t first, int64_t count, int eighths) {
  const int64_t begin = first * eighths, end = (first + count) * eighths;  // in eighths of reduced pixels
  const int64_t low = begin / 8, high = (end + 7) / 8;
  return {low, high - low, static_cast<double>(begin - low * 8) / 8, static_cast<double>(high * 8 - end) / 8};
}

// What lies around a box on each side.
struct Edges {
  double left, right, top, bottom;
};
// Of the stored picture, as they are in the upright one.
Edges upright_edges(Edges edges, int orientation) {
  if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
    std::swap(edges.left, edges.right);
  if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
    std::swap(edges.top, edges.bottom);
  if (swaps_sides(orientation)) return {edges.top, edges.bottom, edges.left, edges.right};
  return edges;
}

}  // namespace

ImageInfo read_image_info(std::span<const uint8_t> file, int64_t max_pixels) {
  ImageInfo info = read_header(file, format_of(file));
  check<DataError>(info.width > 0 && info.height > 0, "{}x{}: no pixels", info.width, info.height);
  check<DataError>(info.width <= max_pixels / info.height, "{}x{} is more than data.max_pixels {}",
                   info.width, info.height, max_pixels);
  if (info.format == ImageFormat::jpeg) info.orientation = jpeg_orientation(file);
  if (info.format == ImageFormat::png) info.orientation = png_orientation(file);
  if (info.format == ImageFormat::webp) info.orientation = webp_orientation(file);
  if (swaps_sides(info.orientation)) std::swap(info.width, info.height);
  return info;
}

Image decode_image(std::span<const uint8_t> file, const ImageInfo& info) {
  return decode_box(file, info, {0, 0, info.width, info.height});
}

Image decode_box(std::span<const uint8_t> file, const ImageInfo& info, const Box& box) {
  check_inside(info, box);
  const bool swap = swaps_sides(info.orientation);
  const int64_t width = swap ? info.height : info.width, height = swap ? info.width : info.height;
  const Box stored = stored_box(box, info.orientation, width, height);
  const bool whole = stored == Box{0, 0, width, height};
  if (info.format == ImageFormat::jpeg) {
    return apply_orientation(decode_jpeg(file, stored, whole), info.orientation);
  }
  Image image = decode_whole(file, info.format, width, height);
  if (!whole) {
    Image part;
    part.resize(stored.height, stored.width);
    for (int64_t y = 0; y < stored.height; ++y) {
      std::memcpy(part.row(y), image.row(stored.y + y) + stored.x * 3, static_cast<size_t>(stored.width * 3));
    }
    image = std::move(part);
  }
  return apply_orientation(std::move(image), info.orientation);
}

ScaledBox decode_box_scaled(std::span<const uint8_t> file, const ImageInfo& info, const Box& box,
                            int64_t least) {
  const int eighths =
      info.format == ImageFormat::jpeg ? eighths_for(std::min(box.width, box.height), least) : 8;
  if (eighths == 8) {
    return {decode_box(file, info, box),
            {0, 0, static_cast<double>(box.width), static_cast<double>(box.height)}};
  }
  check_inside(info, box);
  const bool swap = swaps_sides(info.orientation);
  const int64_t width = swap ? info.height : info.width, height = swap ? info.width : info.height;
  const Box stored = stored_box(box, info.orientation, width, height);
  const ScaledSpan across = scaled_span(stored.x, stored.width, eighths),
                   down = scaled_span(stored.y, stored.height, eighths);
  const bool whole = stored == Box{0, 0, width, height};
  Image image = decode_jpeg(file, {across.first, down.first, across.count, down.count}, whole, eighths);
  const Edges edges = upright_edges({across.before, across.after, down.before, down.after}, info.orientation);
  image = apply_orientation(std::move(image), info.orientation);
  return {std::move(image),
          {edges.left, edges.top, static_cast<double>(image.width) - edges.left - edges.right,
           static_cast<double>(image.height) - edges.top - edges.bottom}};
}

Image decode_image(std::span<const uint8_t> file, int64_t max_pixels) {
  return decode_image(file, read_image_info(file, max_pixels));
}

void read_file(const std::filesystem::path& path, std::vector<uint8_t>& bytes) {
  read_bytes(ByteSource(path), bytes);
}

Image read_image(const std::filesystem::path& path, int64_t max_pixels) {
  std::vector<uint8_t> bytes;
  read_file(path, bytes);
  try {
    return decode_image(bytes, max_pixels);
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", path.string(), error.what());
  }
}

}  // namespace d2v
