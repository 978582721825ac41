#include "d2v/nn/attention_bias.h"

#include <utility>

#include <ATen/ATen.h>

namespace d2v {

namespace {
at::Tensor sum_of(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}
}  // namespace

AttentionBias::AttentionBias(const at::Tensor& alibi, const at::Tensor& scale, at::Tensor keys)
    : alibi_(alibi), keys_(std::move(keys)) {
  if (alibi_.defined()) {
    const at::Tensor factor = scale.clamp_min(0);
    if (factor.size(0) == 1)
      alibi_ = alibi_ * factor[0];
    else
      scale_per_layer_ = factor;
  }
  if (!scale_per_layer_.defined()) shared_ = sum_of(alibi_, keys_);
}

at::Tensor AttentionBias::of_block(int64_t layer) const {
  if (!scale_per_layer_.defined()) return shared_;
  return sum_of(alibi_ * scale_per_layer_[layer], keys_);
}

}  // namespace d2v
