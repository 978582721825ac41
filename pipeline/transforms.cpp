#include "d2v/pipeline/transforms.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/pipeline/resize.h"

namespace d2v {
namespace {

constexpr int kTries = 10;

Box random_box(const ImageConfig& config, int64_t width, int64_t height, Philox& random) {
  const auto area = static_cast<double>(width * height);
  for (int i = 0; i < kTries; ++i) {
    const double target = area * random.uniform(config.crop_scale_min, config.crop_scale_max);
    const double ratio =
        std::exp(random.uniform(std::log(config.crop_ratio_min), std::log(config.crop_ratio_max)));
    const auto w = static_cast<int64_t>(std::nearbyint(std::sqrt(target * ratio)));
    const auto h = static_cast<int64_t>(std::nearbyint(std::sqrt(target / ratio)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const int64_t y = random.below(static_cast<uint32_t>(height - h + 1));
    const int64_t x = random.below(static_cast<uint32_t>(width - w + 1));
    return {x, y, w, h};
  }
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  int64_t w = width, h = height;
  if (ratio < config.crop_ratio_min) {
    h = static_cast<int64_t>(std::nearbyint(static_cast<double>(w) / config.crop_ratio_min));
  } else if (ratio > config.crop_ratio_max) {
    w = static_cast<int64_t>(std::nearbyint(static_cast<double>(h) * config.crop_ratio_max));
  }
  w = std::clamp<int64_t>(w, 1, width);
  h = std::clamp<int64_t>(h, 1, height);
  return {(width - w) / 2, (height - h) / 2, w, h};
}

void mirror(Image& image) {
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (int64_t left = 0, right = image.width - 1; left < right; ++left, --right) {
      std::swap_ranges(row + left * 3, row + left * 3 + 3, row + right * 3);
    }
  }
}

template <class Work>
auto timed(StageTimes* times, Stage stage, const Work& work) {
  const StageTimer timer(times, stage);
  return work();
}

// Padding must not turn a long, thin picture into a huge one.
int64_t square_side(const ImageInfo& info, int64_t max_pixels) {
  const int64_t side = std::max(info.width, info.height);
  check<DataError>(side <= max_pixels / side,
                   "{}x{}, padded to a square by image.pad_square, is more than data.max_pixels {}",
                   info.width, info.height, max_pixels);
  return side;
}

// A box of the picture in the middle of a white square.
Image padded_box(std::span<const uint8_t> file, const ImageInfo& info, int64_t side, const Box& box) {
  const int64_t left = (side - info.width) / 2, top = (side - info.height) / 2;
  Image result;
  result.resize(box.height, box.width);
  std::memset(result.pixels.data(), 255, result.pixels.size());
  const int64_t x0 = std::max(box.x, left), x1 = std::min(box.x + box.width, left + info.width);
  const int64_t y0 = std::max(box.y, top), y1 = std::min(box.y + box.height, top + info.height);
  // Where the box shows nothing but padding, the file is still read: a broken one must not pass.
  const bool empty = x0 >= x1 || y0 >= y1;
  const Image part =
      decode_box(file, info, empty ? Box{0, 0, 1, 1} : Box{x0 - left, y0 - top, x1 - x0, y1 - y0});
  for (int64_t y = y0; y < y1 && !empty; ++y) {
    std::memcpy(result.row(y - box.y) + (x0 - box.x) * 3, part.row(y - y0),
                static_cast<size_t>(part.width * 3));
  }
  return result;
}

}  // namespace

CropDraw draw_crop(const ImageConfig& config, int64_t width, int64_t height, RngKey key) {
  key.stream = Stream::crop;
  Philox crop(key);
  const Box box = random_box(config, width, height, crop);
  key.stream = Stream::flip;
  return {box, Philox(key).uniform() < config.flip};
}

Image training_picture(std::span<const uint8_t> file, const ImageConfig& config, int64_t max_pixels,
                       const RngKey& key, StageTimes* times, bool jpeg_scaling) {
  if (config.crop == CropKind::center) return center_picture(file, config, max_pixels, times);
  const ImageInfo info = read_image_info(file, max_pixels);
  const bool pad = config.pad_square && info.width != info.height;
  const int64_t side = pad ? square_side(info, max_pixels) : 0;
  const CropDraw draw = draw_crop(config, pad ? side : info.width, pad ? side : info.height, key);
  const ScaledBox found = timed(times, Stage::decode, [&]() -> ScaledBox {
    if (jpeg_scaling && !pad) return decode_box_scaled(file, info, draw.box, config.size);
    return {pad ? padded_box(file, info, side, draw.box) : decode_box(file, info, draw.box), {}};
  });
  const StageTimer timer(times, Stage::resize);
  const bool reduced = found.image.width != draw.box.width || found.image.height != draw.box.height;
  Image image = reduced ? resize_bicubic(found.image, found.box, config.size, config.size)
                        : resize_bicubic(found.image, config.size, config.size);
  if (draw.flip) mirror(image);
  return image;
}

Image center_picture(std::span<const uint8_t> file, const ImageConfig& config, int64_t max_pixels,
                     StageTimes* times) {
  const ImageInfo info = read_image_info(file, max_pixels);
  const int64_t size = config.size;
  if (config.pad_square && info.width != info.height) {
    const int64_t side = square_side(info, max_pixels);
    const Image box = timed(times, Stage::decode, [&] {
      return padded_box(file, info, side, {0, 0, side, side});
    });
    const StageTimer timer(times, Stage::resize);
    return resize_bicubic(box, size, size);
  }
  // torchvision's Resize and CenterCrop: the long side is rounded down, the offset to the nearest even.
  const int64_t shorter = std::min(info.width, info.height);
  const int64_t width = size * info.width / shorter, height = size * info.height / shorter;
  const auto middle = [&](int64_t side) {
    return static_cast<int64_t>(std::nearbyint(static_cast<double>(side - size) / 2));
  };
  const Image image = timed(times, Stage::decode, [&] { return decode_image(file, info); });
  const StageTimer timer(times, Stage::resize);
  return resize_bicubic(image, height, width, {middle(width), middle(height), size, size});
}

Normalizer::Normalizer(const ImageConfig& config) {
  for (const auto* values : {&config.mean, &config.std}) {
    check<UsageError>(values->size() == 3, "image.{}: expected 3 numbers, one per channel, found {}",
                      values == &config.mean ? "mean" : "std", values->size());
  }
  for (int c = 0; c < 3; ++c) {
    check<UsageError>(config.std[c] > 0, "image.std: expected numbers above 0, found {}", config.std[c]);
    for (int v = 0; v < 256; ++v) {
      table_[c][v] = (static_cast<float>(v) / 255.0f - static_cast<float>(config.mean[c])) /
                     static_cast<float>(config.std[c]);
    }
  }
}

void Normalizer::operator()(const Image& image, std::span<float> out) const {
  const int64_t plane = image.height * image.width;
  check(static_cast<int64_t>(out.size()) == 3 * plane, "normalize: expected room for {} numbers, found {}",
        3 * plane, out.size());
  const uint8_t* in = image.pixels.data();
  float *red = out.data(), *green = red + plane, *blue = green + plane;
  for (int64_t i = 0; i < plane; ++i, in += 3) {
    red[i] = table_[0][in[0]];
    green[i] = table_[1][in[1]];
    blue[i] = table_[2][in[2]];
  }
}

}  // namespace d2v
