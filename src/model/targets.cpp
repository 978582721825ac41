#include "d2v/model/targets.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "device_losses.h"

namespace d2v {

namespace {

constexpr double eps = 1e-5;

// (x - mean) / sqrt(var + eps) with statistics over the given dimensions, of the rows that count.
at::Tensor normalise_over(const at::Tensor& x, at::IntArrayRef dims, const at::Tensor& counts) {
  if (!counts.defined()) {
    const auto [variance, mean] = at::var_mean(x, dims, /*unbiased=*/false, /*keepdim=*/true);
    return (x - mean).mul_((variance + eps).rsqrt_());
  }
  const at::Tensor count = counts.sum(dims, /*keepdim=*/true);
  const at::Tensor centred = x - (x * counts).sum(dims, true) / count;
  const at::Tensor variance = (centred * centred * counts).sum(dims, true) / count;
  return centred * (variance + eps).rsqrt_();
}

// `counts` (B, T, 1) float32, 1 where a position counts; undefined where all do.
at::Tensor normalise(const at::Tensor& x, NormKind kind, const at::Tensor& counts) {
  switch (kind) {
    case NormKind::instance:
      return normalise_over(x, {1}, counts);
    case NormKind::batch:
      return normalise_over(x, {0, 1}, counts);
    case NormKind::layer:
      return at::layer_norm(x, {x.size(-1)}, {}, {}, eps, /*cudnn_enable=*/false);
    case NormKind::none:
      break;
  }
  return x;
}

}  // namespace

at::Tensor make_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config,
                        const at::Tensor& valid) {
  check<UsageError>(config.layers <= static_cast<int64_t>(layers.size()),
                    "target.layers = {} is more than the {} shared blocks (model.depth)", config.layers,
                    layers.size());
  check<UsageError>(config.final_norm != NormKind::batch,
                    "target.final_norm = batch is not defined; use layer or instance");
  const at::NoGradGuard no_grad;
  at::Tensor counts;
  if (valid.defined() && config.norm_over == NormOver::valid) counts = valid.unsqueeze(-1).to(at::kFloat);
  if (!counts.defined() && can_make_device_targets(layers, config)) return device_targets(layers, config);
  at::Tensor sum;
  for (size_t i = layers.size() - static_cast<size_t>(config.layers); i < layers.size(); ++i) {
    const at::Tensor a = normalise(layers[i].to(at::kFloat), config.layer_norm, counts);
    sum = sum.defined() ? sum.add_(a) : (config.layer_norm == NormKind::none ? a.clone() : a);
  }
  const at::Tensor y = normalise(sum.div_(static_cast<double>(config.layers)), config.final_norm, counts);
  return (counts.defined() ? y * counts : y).contiguous();
}

}  // namespace d2v
