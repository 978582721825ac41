// From a picture file to what the model sees: crop, bicubic resize, flip, normalisation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/image.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/stage_times.h"

namespace d2v {

// Where a random crop lies, and whether it is mirrored.
struct CropDraw {
  Box box;
  bool flip = false;
};

// The box of torchvision's RandomResizedCrop: ten tries at an area share uniform in [scale_min, scale_max] and a
// log-uniform width / height in [ratio_min, ratio_max]; then the largest central box within the ratios.
// Draws from Stream::crop and Stream::flip of the key; its own stream is ignored.
CropDraw draw_crop(const ImageConfig& config, int64_t width, int64_t height, RngKey key);

// The training picture of a file: draw_crop, resize to size × size, flip; or, with CropKind::center, center_picture.
// With pad_square the box is drawn in the picture padded with white to a square, itself in the middle.
// With `jpeg_scaling` a random crop of a JPEG that is much larger than `size` is decoded at 1/2, 1/4 or 1/8 (image_reader.h);
// not with pad_square or CropKind::center.
// `times`, where given, gets what decoding and resizing took. Throws DataError as image_reader.h says.
Image training_picture(std::span<const uint8_t> file, const ImageConfig& config, int64_t max_pixels,
                       const RngKey& key, StageTimes* times = nullptr, bool jpeg_scaling = false);

// The picture of probes: short side resized to `size`, the middle square of it.
Image center_picture(std::span<const uint8_t> file, const ImageConfig& config, int64_t max_pixels,
                     StageTimes* times = nullptr);

// Bytes to (value / 255 - mean) / std, planes in the order of the channels: out has 3·H·W elements.
class Normalizer {
 public:
  // Throws UsageError where mean or std has not one value per channel, or a std is not positive.
  explicit Normalizer(const ImageConfig& config);
  void operator()(const Image& image, std::span<float> out) const;

 private:
  float table_[3][256];
};

}  // namespace d2v
