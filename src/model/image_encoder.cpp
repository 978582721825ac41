#include "d2v/model/image_encoder.h"

#include "d2v/nn/aten.h"

namespace d2v {

void declare_patch_embedding(std::vector<Parameter>& out, const std::string& name, const PatchGrid& patches,
                             int64_t dim, TeacherRule teacher) {
  const int64_t p = patches.patch;
  const auto fan_in = static_cast<double>(patches.values());
  out.push_back({name + ".weight", {dim, patches.channels, p, p}, Init::xavier, 0, teacher});
  out.push_back({name + ".bias", {dim}, Init::uniform_fan_in, fan_in, teacher, true, /*decay=*/false});
}

PatchWeights patch_weights(const Weights& weights, const std::string& name) {
  return {weights[name + ".weight"], weights[name + ".bias"]};
}

at::Tensor patch_embed(const PatchWeights& weights, const at::Tensor& pixels, int64_t patch) {
  const int64_t batch = pixels.size(0), channels = pixels.size(1), rows = pixels.size(2) / patch,
                columns = pixels.size(3) / patch;
  // A convolution whose stride is its kernel is a matrix product over patches, ordered channel, row, column.
  const at::Tensor patches = pixels.view({batch, channels, rows, patch, columns, patch})
                                 .permute({0, 2, 4, 1, 3, 5})
                                 .reshape({batch, rows * columns, channels * patch * patch});
  return at::linear(patches.to(weights.weight.scalar_type()), weights.weight.flatten(1), weights.bias);
}

int64_t grid_side(const ImageConfig& image) { return image.size / image.patch; }

}  // namespace d2v
