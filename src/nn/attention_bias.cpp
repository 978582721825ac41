#include "d2v/nn/attention_bias.h"

#include <utility>

#include "d2v/nn/aten.h"

namespace d2v {

at::Tensor BiasTerms::total() const {
  if (shared_total && shared_total->defined()) return *shared_total;
  at::Tensor sum = fixed;
  if (alibi.defined()) {
    sum = alibi * factor;
    if (fixed.defined()) sum = sum + fixed;
  }
  if (shared_total) *shared_total = sum;
  return sum;
}

AttentionBias::AttentionBias(const at::Tensor& alibi, const at::Tensor& scale, at::Tensor keys)
    : alibi_(alibi), keys_(std::move(keys)) {
  if (alibi_.defined()) factor_ = scale.clamp_min(0);
}

BiasTerms AttentionBias::of_block(int64_t layer) const {
  BiasTerms out{keys_};
  if (alibi_.defined()) {
    out.alibi = alibi_;
    out.factor = factor_[shared() ? 0 : layer];
  }
  if (shared()) out.shared_total = total_;
  return out;
}

at::Tensor AttentionBias::alibi() const {
  return alibi_.defined() && shared() ? alibi_ * factor_[0] : alibi_;
}

}  // namespace d2v
