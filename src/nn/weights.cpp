#include "d2v/nn/weights.h"

#include <utility>

#include "d2v/nn/aten.h"

namespace d2v {

Weights::Weights(const ParameterLayout& layout, const WeightArenas& arenas, std::string prefix)
    : layout_(&layout), arenas_(&arenas), prefix_(std::move(prefix)) {}

Weights Weights::below(const std::string& prefix) const { return {*layout_, *arenas_, prefix_ + prefix}; }

at::Tensor Weights::operator[](const std::string& name) const { return leaf(layout_->at(prefix_ + name)); }

at::Tensor Weights::optional(const std::string& name) const {
  const Parameter* p = layout_->find(prefix_ + name);
  return p ? leaf(*p) : at::Tensor();
}

at::Tensor Weights::leaf(const Parameter& p) const {
  if (p.offset >= arenas_->full.size(0)) return {};
  at::Tensor leaf = view_of(p.fp32 ? arenas_->full : arenas_->low, p);
  if (p.trainable && arenas_->full_gradient.defined()) {
    leaf.requires_grad_(true);
    leaf.mutable_grad() = view_of(p.fp32 ? arenas_->full_gradient : arenas_->low_gradient, p);
  }
  return leaf;
}

}  // namespace d2v
