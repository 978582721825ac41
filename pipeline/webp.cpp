#include "webp.h"

#include <memory>

#include <webp/decode.h>
#include <webp/demux.h>

#include "d2v/base/check.h"
#include "over_white.h"

namespace d2v {
namespace {

WebPBitstreamFeatures webp_features(std::span<const uint8_t> file) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
  check<DataError>(status == VP8_STATUS_OK, "broken WebP header ({})",
                   status == VP8_STATUS_NOT_ENOUGH_DATA ? "it ends too early" : "not as the format says");
  return features;
}

// Straight into RGB.
Image decode_opaque(std::span<const uint8_t> file, int64_t width, int64_t height) {
  Image image;
  image.resize(height, width);
  const uint8_t* decoded = WebPDecodeRGBInto(file.data(), file.size(), image.pixels.data(),
                                             image.pixels.size(), static_cast<int>(width * 3));
  check<DataError>(decoded != nullptr, "broken or truncated WebP");
  return image;
}

Image over_white(const uint8_t* rgba, int64_t width, int64_t height) {
  Image image;
  image.resize(height, width);
  to_rgb<4>(rgba, image.pixels.data(), width * height);
  return image;
}

Image decode_transparent(std::span<const uint8_t> file, int64_t width, int64_t height) {
  int got_width = 0, got_height = 0;
  const std::unique_ptr<uint8_t, void (*)(void*)> rgba(
      WebPDecodeRGBA(file.data(), file.size(), &got_width, &got_height), WebPFree);
  check<DataError>(rgba != nullptr && got_width == width && got_height == height, "broken or truncated WebP");
  return over_white(rgba.get(), width, height);
}

Image decode_first_frame(std::span<const uint8_t> file, int64_t width, int64_t height) {
  WebPAnimDecoderOptions options;
  check(WebPAnimDecoderOptionsInit(&options) != 0,
        "libwebp's headers and library are of different versions. Install both anew");
  options.color_mode = MODE_RGBA;
  const WebPData bytes{file.data(), file.size()};
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(
      WebPAnimDecoderNew(&bytes, &options), WebPAnimDecoderDelete);
  WebPAnimInfo info;
  check<DataError>(decoder != nullptr && WebPAnimDecoderGetInfo(decoder.get(), &info) != 0,
                   "broken or truncated WebP animation");
  check<DataError>(info.canvas_width == width && info.canvas_height == height,
                   "broken WebP animation (header {}x{}, canvas {}x{})", width, height, info.canvas_width,
                   info.canvas_height);
  uint8_t* rgba = nullptr;  // stays the decoder's
  int end_of_frame = 0;
  check<DataError>(WebPAnimDecoderGetNext(decoder.get(), &rgba, &end_of_frame) != 0,
                   "broken or truncated WebP animation");
  return over_white(rgba, width, height);
}

}  // namespace

ImageInfo read_webp_info(std::span<const uint8_t> file) {
  const WebPBitstreamFeatures features = webp_features(file);
  return {ImageFormat::webp, features.width, features.height, 1};
}

Image decode_webp(std::span<const uint8_t> file, int64_t width, int64_t height) {
  const WebPBitstreamFeatures features = webp_features(file);
  check<DataError>(features.width == width && features.height == height,
                   "broken WebP (header {}x{}, now {}x{})", width, height, features.width, features.height);
  if (features.has_animation != 0) return decode_first_frame(file, width, height);
  if (features.has_alpha != 0) return decode_transparent(file, width, height);
  return decode_opaque(file, width, height);
}

}  // namespace d2v
