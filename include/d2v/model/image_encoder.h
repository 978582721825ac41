// Local encoder of images and spectrograms: the patch embedding (sections 1 and 2 of the method).
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/patches.h"
#include "d2v/nn/weights.h"

namespace d2v {

struct PatchWeights {
  at::Tensor weight, bias;  // (D, C, p, p), (D)
};

// Declares <name>.{weight,bias}: Xavier-uniform over the flattened filter, the framework's default bias.
void declare_patch_embedding(std::vector<Parameter>& out, const std::string& name, const PatchGrid& patches,
                             int64_t dim, TeacherRule teacher);
PatchWeights patch_weights(const Weights& weights, const std::string& name);

// Local features z: pixels (B, C, H, W) or spectrograms (B, 1, frames, bins) → (B, T, D), patches row by row.
at::Tensor patch_embed(const PatchWeights& weights, const at::Tensor& pixels, int64_t patch);

// Patches along a side of a picture.
int64_t grid_side(const ImageConfig& image);

}  // namespace d2v
