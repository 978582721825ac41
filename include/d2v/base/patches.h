// The grid of patches that pictures and spectrograms are cut into.
#pragma once

#include <cstdint>

#include "d2v/base/config.h"

namespace d2v {

// Squares side by side. Patch t of the sequence is the one in row t / columns(), column t % columns(): masks, positions,
// ALiBi and the decoder all count like this.
struct PatchGrid {
  int64_t channels = 0;
  int64_t height = 0, width = 0;  // pixels, or frames and mel bins
  int64_t patch = 0;              // side

  int64_t rows() const { return height / patch; }
  int64_t columns() const { return width / patch; }
  int64_t positions() const { return rows() * columns(); }
  int64_t values() const { return channels * patch * patch; }  // of one patch
};

// Throw UsageError where the patch does not divide the sides, the last one also where model.modality has no patches.
PatchGrid patch_grid(const ImageConfig& image);
PatchGrid patch_grid(const SpectrogramConfig& spectrogram);
PatchGrid patch_grid(const Config& config);

}  // namespace d2v
