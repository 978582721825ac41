#include "d2v/eval/standardize.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

Standardizer::Standardizer(const at::Tensor& features, ChannelScale scale) {
  check(features.dim() == 2 && features.size(0) > 0, "standardisation needs features (n, d) with n > 0");
  const int64_t n = features.size(0), d = features.size(1), step = 4096;
  at::Tensor sum = at::zeros({d}, at::kDouble), square = at::zeros({d}, at::kDouble);
  for (int64_t i = 0; i < n; i += step)
    sum += features.slice(0, i, std::min(n, i + step)).sum(0, false, at::kDouble);
  const at::Tensor mean = sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; i += step) {
    const at::Tensor centred = features.slice(0, i, std::min(n, i + step)).to(at::kDouble) - mean;
    square += centred.square().sum(0);
  }
  const at::Tensor variance = square / static_cast<double>(n);
  const at::Tensor deviation = variance.sqrt();
  // Below this a channel only carries rounding of its mean.
  const at::Tensor flat = deviation <= mean.abs() * 1e-6 + 1e-12;
  mean_ = mean.to(at::kFloat);
  scale_ = at::where(flat, at::zeros_like(deviation),
                     (scale == ChannelScale::each ? deviation : variance.mean().sqrt()).reciprocal())
               .to(at::kFloat);
}

at::Tensor Standardizer::operator()(const at::Tensor& features) const {
  return (features - mean_).mul_(scale_);
}

}  // namespace d2v
