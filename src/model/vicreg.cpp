#include "d2v/model/vicreg.h"

#include <utility>

#include "d2v/nn/aten.h"

namespace d2v {

at::Tensor variance_hinge(const at::Tensor& rows) {
  return (1 - (rows.var(0, /*unbiased=*/true) + 1e-4).sqrt()).clamp_min(0).mean();
}

at::Tensor covariance_penalty(const at::Tensor& rows) {
  const at::Tensor centred = rows - rows.mean(0);
  const at::Tensor covariance = at::matmul(centred.t(), centred) / static_cast<double>(rows.size(0) - 1);
  return (covariance.square().sum() - covariance.diagonal().square().sum()) /
         static_cast<double>(rows.size(1));
}

at::Tensor add_collapse_remedies(at::Tensor total, const at::Tensor& prediction, const LossConfig& config,
                                 int64_t sample_size, StepOutput& out) {
  const at::Tensor rows = prediction.flatten(0, 1).to(at::kFloat);
  const auto add = [&](const char* name, double weight, at::Tensor (*term)(const at::Tensor&)) {
    if (weight == 0 || rows.size(0) < 2) return;
    const at::Tensor value = term(rows) * (weight * static_cast<double>(sample_size));
    out.parts.push_back({name, value.detach()});
    total = total + value;
  };
  add("variance", config.variance, variance_hinge);
  add("covariance", config.covariance, covariance_penalty);
  return total;
}

}  // namespace d2v
