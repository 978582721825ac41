#include "d2v/pipeline/mask_preview.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/pipeline/masks.h"
#include "d2v/pipeline/plan.h"
#include "d2v/pipeline/png_writer.h"
#include "d2v/pipeline/resize.h"
#include "d2v/pipeline/transforms.h"

namespace d2v {
namespace {

constexpr int64_t kGap = 6;        // between tiles
constexpr int64_t kFirstGap = 14;  // after the unmasked picture
constexpr std::array<uint8_t, 3> kPaper{255, 255, 255};
constexpr std::array<uint8_t, 3> kLine{88, 88, 88};     // between patches of one kind
constexpr std::array<uint8_t, 3> kBorder{255, 176, 0};  // around what is kept

void set_pixel(Image& canvas, int64_t x, int64_t y, const std::array<uint8_t, 3>& colour) {
  std::memcpy(canvas.row(y) + x * 3, colour.data(), 3);
}

// Gray, a sixth as bright, with diagonal hatching.
std::array<uint8_t, 3> hide(const uint8_t* pixel, int64_t x, int64_t y) {
  const int gray = (pixel[0] * 77 + pixel[1] * 150 + pixel[2] * 29) >> 8;
  const int value = 30 + gray / 6 + ((x + y) % 8 < 2 ? 22 : 0);
  return {static_cast<uint8_t>(value), static_cast<uint8_t>(value), static_cast<uint8_t>(value)};
}

void draw_tile(Image& canvas, const Image& tile, int64_t left, int64_t top) {
  for (int64_t y = 0; y < tile.height; ++y) {
    std::memcpy(canvas.row(top + y) + left * 3, tile.row(y), static_cast<size_t>(tile.width * 3));
  }
}

Image masked_tile(const Image& picture, const MaskGrid& grid, std::span<const int64_t> masked) {
  std::vector<char> hidden(static_cast<size_t>(grid.positions()), 0);
  for (const int64_t at : masked) hidden[at] = 1;
  const int64_t side = picture.width / grid.columns;
  Image tile = picture;
  const bool lines = side >= 6;
  for (int64_t y = 0; y < tile.height; ++y) {
    for (int64_t x = 0; x < tile.width; ++x) {
      const char here = hidden[y / side * grid.columns + x / side];
      if (here) set_pixel(tile, x, y, hide(picture.row(y) + x * 3, x, y));
      const bool left = x > 0 && x % side == 0, above = y > 0 && y % side == 0;
      const bool border = (left && hidden[y / side * grid.columns + (x - 1) / side] != here) ||
                          (above && hidden[(y - 1) / side * grid.columns + x / side] != here);
      if (lines && border) {
        set_pixel(tile, x, y, kBorder);
      } else if (lines && !here && (left || above)) {
        set_pixel(tile, x, y, kLine);
      }
    }
  }
  return tile;
}

}  // namespace

std::vector<uint8_t> render_mask_preview(const ImageSource& source, const DataConfig& data,
                                         const ImageConfig& image, const MaskConfig& mask,
                                         const MaskPreviewOptions& options) {
  const MaskGrid grid = image_grid(image);
  const MaskPlan plan = plan_masks(mask, grid, mask_ratio(mask, options.seed, 0));
  const int64_t clones = std::min(options.clones, mask.clones);
  const int64_t side = std::max<int64_t>((options.tile + grid.columns / 2) / grid.columns, 1);
  const int64_t tile = side * grid.columns;

  // The first readable pictures of the first epoch.
  Plan order({.samples = static_cast<int64_t>(source.size()), .batch = 1, .seed = options.seed});
  std::vector<Image> pictures;
  std::vector<RngKey> keys;
  std::vector<uint8_t> file;
  std::string last_error;
  for (int64_t i = 0;
       i < order.updates_per_epoch() && static_cast<int64_t>(pictures.size()) < options.pictures; ++i) {
    const uint32_t row = order.slice(i, 0).rows[0];
    const RngKey key{.seed = options.seed, .stream = Stream::mask, .sample = source.samples[row].id};
    try {
      source.read(row, file);
      pictures.push_back(training_picture(file, image, data.max_pixels, key));
      keys.push_back(key);
    } catch (const DataError& error) {
      last_error = error.what();
    }
  }
  check<DataError>(!pictures.empty(), "{}: none of its {} pictures can be read; the last one: {}",
                   source.root.string(), source.size(), last_error);

  Image canvas;
  const auto rows = static_cast<int64_t>(pictures.size());
  canvas.resize(rows * (tile + kGap) + kGap, kGap + tile + kFirstGap + clones * (tile + kGap));
  for (int64_t y = 0; y < canvas.height; ++y) {
    for (int64_t x = 0; x < canvas.width; ++x) set_pixel(canvas, x, y, kPaper);
  }
  MaskScratch scratch;
  std::vector<int64_t> visible(static_cast<size_t>(plan.visible)), masked(static_cast<size_t>(plan.masked));
  for (int64_t i = 0; i < rows; ++i) {
    const Image picture = resize_bicubic(pictures[i], tile, tile);
    const int64_t top = kGap + i * (tile + kGap);
    draw_tile(canvas, picture, kGap, top);
    for (int64_t clone = 0; clone < clones; ++clone) {
      RngKey key = keys[i];
      key.clone = static_cast<uint32_t>(clone);
      draw_mask(plan, key, scratch, visible, masked);
      draw_tile(canvas, masked_tile(picture, grid, masked), kGap + tile + kFirstGap + clone * (tile + kGap),
                top);
    }
  }
  return encode_png(canvas);
}

}  // namespace d2v
