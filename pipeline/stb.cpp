#include "stb.h"

#include <array>
#include <cstdlib>
#include <limits>
#include <memory>

#include "d2v/base/check.h"
#include "over_white.h"

namespace {

// A small file can ask stb_image for any amount of memory (a compressed stream far longer than the picture). What one
// request of the decoding thread may ask for is set from the header's size.
thread_local size_t largest_request = std::numeric_limits<size_t>::max();

void* bounded_malloc(size_t size) { return size <= largest_request ? std::malloc(size) : nullptr; }
void* bounded_realloc(void* old, size_t size) {
  return size <= largest_request ? std::realloc(old, size) : nullptr;
}

}  // namespace

#define STBI_MALLOC(size) bounded_malloc(size)
#define STBI_REALLOC(old, size) bounded_realloc(old, size)
#define STBI_FREE(memory) std::free(memory)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#ifndef __clang__  // which does not know this warning
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#pragma GCC diagnostic ignored "-Wpedantic"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace d2v {
namespace {

std::string reason() {
  const char* text = stbi_failure_reason();
  return text != nullptr ? text : "unknown reason";
}

// stb_image counts bytes in int.
int checked_size(std::span<const uint8_t> file) {
  check<DataError>(file.size() <= std::numeric_limits<int>::max(), "file of {} bytes: too large",
                   file.size());
  return static_cast<int>(file.size());
}

// stb_image adds up the digits of a PNM header without looking for an overflow.
void check_pnm_header(std::span<const uint8_t> file) {
  constexpr int kMaxDigits = 9, kNumbers = 3;
  size_t at = 2;  // after P5 or P6
  for (int number = 0; number < kNumbers; ++number) {
    while (at < file.size() && (file[at] < '0' || file[at] > '9')) {
      if (file[at] == '#') {
        while (at < file.size() && file[at] != '\n' && file[at] != '\r') ++at;
      } else {
        ++at;
      }
    }
    int digits = 0;
    for (; at < file.size() && file[at] >= '0' && file[at] <= '9'; ++at) ++digits;
    check<DataError>(digits <= kMaxDigits, "broken header (a number of {} digits)", digits);
  }
}

class RequestLimit {
 public:
  explicit RequestLimit(size_t bytes) { largest_request = bytes; }
  ~RequestLimit() { largest_request = std::numeric_limits<size_t>::max(); }
  RequestLimit(const RequestLimit&) = delete;
  RequestLimit& operator=(const RequestLimit&) = delete;
};

}  // namespace

ImageInfo read_stb_info(std::span<const uint8_t> file, ImageFormat format) {
  int width = 0, height = 0, channels = 0;
  if (format == ImageFormat::pnm) check_pnm_header(file);
  const bool known = stbi_info_from_memory(file.data(), checked_size(file), &width, &height, &channels) != 0;
  check<DataError>(known, "broken header ({})", reason());
  return {format, width, height, 1};
}

Image decode_stb(std::span<const uint8_t> file, int64_t width, int64_t height) {
  // 16-bit RGBA is 8 bytes a pixel and a filter byte a row; the decompressor doubles its buffer.
  const RequestLimit limit(static_cast<size_t>(20 * (width + 1) * (height + 1) + (1 << 20)));
  int got_width = 0, got_height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> data(
      stbi_load_from_memory(file.data(), checked_size(file), &got_width, &got_height, &channels, 0),
      std::free);
  check<DataError>(data != nullptr, "broken picture ({})", reason());
  check<DataError>(got_width == width && got_height == height, "broken picture (header {}x{}, pixels {}x{})",
                   width, height, got_width, got_height);
  Image image;
  image.resize(height, width);
  constexpr std::array kConversions{to_rgb<1>, to_rgb<2>, to_rgb<3>, to_rgb<4>};
  kConversions.at(static_cast<size_t>(channels - 1))(data.get(), image.pixels.data(), width * height);
  return image;
}

}  // namespace d2v
