#include "picture_copy.h"

#include <algorithm>
#include <cmath>

#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/jpeg_writer.h"
#include "d2v/pipeline/png_writer.h"
#include "d2v/pipeline/resize.h"

namespace d2v {
namespace {

Image reduced(Image image, int64_t side) {
  const int64_t shorter = std::min(image.width, image.height);
  if (shorter <= side) return image;
  const double factor = static_cast<double>(side) / static_cast<double>(shorter);
  const auto scaled = [&](int64_t n) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(n) * factor));
  };
  return resize_bicubic(image, scaled(image.height), scaled(image.width));
}

}  // namespace

std::string_view copy_ending(const PrepareImages& settings) {
  return settings.jpeg_quality > 0 ? "jpg" : "png";
}

std::vector<uint8_t> picture_copy(std::span<const uint8_t> file, const PrepareImages& settings) {
  const ImageInfo info = read_image_info(file, settings.data.max_pixels);
  const Image image = reduced(decode_image(file, info), settings.side);
  if (settings.jpeg_quality == 0) return encode_png(image);
  const bool as_it_is = info.format == ImageFormat::jpeg && info.orientation == 1 &&
                        std::min(info.width, info.height) <= settings.side;
  if (as_it_is) return {file.begin(), file.end()};
  return encode_jpeg(image, static_cast<int>(settings.jpeg_quality));
}

}  // namespace d2v
