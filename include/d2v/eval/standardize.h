// Standardised features: zero mean and unit deviation per channel, both measured on the training part only.
#pragma once

#include <ATen/core/Tensor.h>

namespace d2v {

class Standardizer {
 public:
  // features: (n, d) float32. Channels without any spread become 0. Throws Error when n is 0.
  explicit Standardizer(const at::Tensor& features);

  // (m, d) float32 -> (m, d) float32, a new tensor.
  at::Tensor operator()(const at::Tensor& features) const;

 private:
  at::Tensor mean_, scale_;  // (d) float32
};

}  // namespace d2v
