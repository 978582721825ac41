#include "d2v/nn/conv_1d.h"

#include <array>

#include "d2v/nn/aten.h"
#include "d2v/nn/fused_norm.h"

namespace d2v {

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                    int64_t padding, int64_t groups) {
  // A picture of one row: its channels-last layout is that of the tokens.
  const at::Tensor row = x.contiguous().unsqueeze(1).permute({0, 3, 1, 2});  // (R, C_in, 1, T)
  const std::optional<at::Tensor> shift = bias.defined() ? std::optional(bias) : std::nullopt;
  const std::array<int64_t, 2> strides{1, stride}, paddings{0, padding}, dilation{1, 1};
  return at::conv2d(row, weight.unsqueeze(2), shift, at::IntArrayRef(strides), at::IntArrayRef(paddings),
                    at::IntArrayRef(dilation), groups)
      .permute({0, 2, 3, 1})
      .squeeze(1);
}

at::Tensor conv_norm_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          int64_t groups) {
  const int64_t kernel = weight.size(2);
  at::Tensor y = convolve(x, weight, bias, /*stride=*/1, kernel / 2, groups);
  if (kernel % 2 == 0) y = y.slice(1, 0, x.size(1));
  return norm_gelu(y, {});
}

}  // namespace d2v
