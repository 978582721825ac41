// A picture of what the student sees: samples with their masks drawn over them.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/image_source.h"

namespace d2v {

struct MaskPreviewOptions {
  int64_t pictures = 6;  // rows
  int64_t clones = 6;    // masked versions per row, at most mask.clones
  uint64_t seed = 1;
  int64_t tile = 168;  // side of a tile in pixels, rounded to whole pixels per patch
};

// PNG bytes: one row per picture, first the training picture as it is, then its masked versions. Kept patches are in full
// colour with thin lines between them and an amber border around; hidden ones are gray, dark and hatched. Crops and masks are those of epoch 0 of a run with this seed. Files that cannot be read are passed
// over. Throws UsageError for mask settings, DataError where no picture can be read.
std::vector<uint8_t> render_mask_preview(const ImageSource& source, const DataConfig& data,
                                         const ImageConfig& image, const MaskConfig& mask,
                                         const MaskPreviewOptions& options);

}  // namespace d2v
