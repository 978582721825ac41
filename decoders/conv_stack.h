// The layers of a convolutional decoder on plain memory, view by view (fused_conv_decoder.h).
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/nn/grouped_conv.h"

namespace d2v {

// The layers of one decoder: shapes, and weights in the order weight, bias, weight, bias, …
struct ConvStack {
  std::vector<ConvShape> layers;
  std::vector<at::Tensor> parameters;
  bool residual = true;

  size_t size() const { return layers.size(); }
  int64_t channels() const { return layers[0].groups * layers[0].out; }
  int64_t positions() const { return layers[0].positions(); }
  bool adds_input(size_t i) const { return residual && layers[i].in == layers[i].out; }
};

// Of weights (C, C_in / groups, k[, k]) and biases in turn, for images of height × width, or sequences of `width`.
ConvStack make_conv_stack(const std::vector<at::Tensor>& parameters, bool residual, int64_t groups,
                          int64_t height, int64_t width);

// x (R, T, C_in) → out (R, T, C); normal (layers, R, T, C) and rstd (layers, R, T) are what the backward pass needs.
// For float and double.
template <class T>
void forward_views(const ConvStack& stack, const at::Tensor& x, at::Tensor& normal, at::Tensor& rstd,
                   at::Tensor& out);

// → gradients of the parameters, in their order; fills dx where it is defined.
template <class T>
std::vector<at::Tensor> backward_views(const ConvStack& stack, const at::Tensor& x, const at::Tensor& normal,
                                       const at::Tensor& rstd, const at::Tensor& out_gradient,
                                       at::Tensor& dx);

}  // namespace d2v
