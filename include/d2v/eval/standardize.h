// Standardised features: zero mean and unit deviation per channel, both measured on the training part only.
#pragma once

#include <ATen/core/Tensor.h>

namespace d2v {

enum class ChannelScale {
  each,  // every channel gets unit deviation
  together,  // one factor for all, which brings their mean variance to 1: sparse channels stay as weak as they are
};

class Standardizer {
 public:
  // features: (n, d) float32. Channels without any spread become 0. Throws Error when n is 0.
  explicit Standardizer(const at::Tensor& features, ChannelScale scale = ChannelScale::each);

  // (m, d) float32 -> (m, d) float32, a new tensor.
  at::Tensor operator()(const at::Tensor& features) const;

 private:
  at::Tensor mean_, scale_;  // (d) float32
};

}  // namespace d2v
