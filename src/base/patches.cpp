#include "d2v/base/patches.h"

#include <numeric>

#include "d2v/base/check.h"

namespace d2v {

PatchGrid patch_grid(const ImageConfig& image) {
  check<UsageError>(
      image.patch > 0 && image.size % image.patch == 0,
      "image.patch: {} does not divide image.size {}; choose a patch side that does, such as {}", image.patch,
      image.size, std::gcd(image.size, int64_t{16}));
  return {image.channels, image.size, image.size, image.patch};
}

PatchGrid patch_grid(const SpectrogramConfig& spectrogram) {
  const int64_t frames = spectrogram.frames, bins = spectrogram.bins, patch = spectrogram.patch;
  check<UsageError>(patch > 0 && frames % patch == 0 && bins % patch == 0,
                    "spectrogram.patch: {} does not divide spectrogram.frames {} and spectrogram.bins {}; "
                    "choose a patch side that does, such as {}",
                    patch, frames, bins, std::gcd(std::gcd(frames, bins), int64_t{16}));
  return {1, frames, bins, patch};
}

PatchGrid patch_grid(const Config& config) {
  check<UsageError>(on_grid(config.model.modality),
                    "model.modality: {} has no grid of patches; expected image or spectrogram",
                    name_of(config.model.modality));
  return config.model.modality == Modality::image ? patch_grid(config.image) : patch_grid(config.spectrogram);
}

}  // namespace d2v
