#include "d2v/base/patches.h"

#include <string>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::string refusal(auto&& call) {
  try {
    call();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "(accepted)";
}

}  // namespace

TEST_CASE("EAT's spectrogram of 1024 frames and 128 bins is a grid of 64 x 8 patches of 256 values") {
  const PatchGrid grid = patch_grid(SpectrogramConfig{});
  CHECK(grid.rows() == 64);
  CHECK(grid.columns() == 8);
  CHECK(grid.positions() == 512);
  CHECK(grid.values() == 256);
}

TEST_CASE("the modality decides which grid is meant; sequences have none") {
  Config config;
  CHECK(patch_grid(config).positions() == 14 * 14);
  CHECK(patch_grid(config).values() == 16 * 16 * 3);
  config.model.modality = Modality::spectrogram;
  CHECK(patch_grid(config).positions() == 512);
  for (const Modality sequence : {Modality::speech, Modality::text}) {
    config.model.modality = sequence;
    CHECK(refusal([&] { patch_grid(config); }).find(name_of(sequence)) != std::string::npos);
  }
}

TEST_CASE("a patch that does not divide the sides is refused with one that does") {
  CHECK(refusal([] { patch_grid(ImageConfig{.size = 224, .patch = 15}); }) ==
        "image.patch: 15 does not divide image.size 224; choose a patch side that does, such as 16");
  CHECK(refusal([] { patch_grid(SpectrogramConfig{.bins = 40, .frames = 96}); }) ==
        "spectrogram.patch: 16 does not divide spectrogram.frames 96 and spectrogram.bins 40; choose a patch "
        "side that does, such as 8");
  CHECK(refusal([] { patch_grid(SpectrogramConfig{.frames = 1000}); }) != "(accepted)");
}
