#include "device_losses.h"

#include <algorithm>

#include "d2v/cuda/target_rows.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

namespace {

MaskedLossRows arguments(const at::Tensor& prediction, const at::Tensor& targets, const at::Tensor& masked,
                         const ElementLoss& loss) {
  MaskedLossRows work{};
  work.prediction = prediction.const_data_ptr();
  work.targets = targets.const_data_ptr<float>();
  work.masked = masked.const_data_ptr<int64_t>();
  work.samples = masked.size(0);
  work.clones = masked.size(1);
  work.count = masked.size(2);
  work.length = targets.size(1);
  work.width = targets.size(2);
  work.beta = static_cast<float>(loss.beta);
  work.scale = loss.scale;
  work.type = number_type(prediction);
  return work;
}

// The layers that are read, at their end.
std::vector<at::Tensor> last_layers(const std::vector<at::Tensor>& layers, const TargetConfig& config) {
  return {layers.end() - static_cast<std::ptrdiff_t>(config.layers), layers.end()};
}

}  // namespace

at::Tensor device_masked_loss(const at::Tensor& prediction, const at::Tensor& targets,
                              const at::Tensor& masked, const ElementLoss& loss) {
  at::Tensor partial = at::empty({loss_blocks}, targets.options().dtype(at::kDouble));
  at::Tensor out = at::empty({}, targets.options());
  MaskedLossRows work = arguments(prediction, targets, masked, loss);
  work.partial = partial.mutable_data_ptr<double>();
  work.loss = out.mutable_data_ptr<float>();
  device_kernels().masked_loss(work, current_cuda_stream());
  return out;
}

at::Tensor device_masked_loss_gradient(const at::Tensor& prediction, const at::Tensor& targets,
                                       const at::Tensor& masked, const ElementLoss& loss,
                                       const at::Tensor& upstream) {
  at::Tensor out = at::empty_like(prediction);
  MaskedLossRows work = arguments(prediction, targets, masked, loss);
  work.upstream = upstream.const_data_ptr<float>();
  work.gradient = out.mutable_data_ptr();
  device_kernels().masked_loss_gradient(work, current_cuda_stream());
  return out;
}

at::Tensor device_masked_moments(const at::Tensor& targets, const at::Tensor& masked) {
  // How often each row counts: whole numbers, so that the order of the additions does not matter.
  const at::Tensor index = masked.flatten(1), doubles = at::zeros({}, targets.options().dtype(at::kDouble));
  const at::Tensor times = at::zeros({targets.size(0), targets.size(1)}, doubles.options())
                               .scatter_add_(1, index, at::ones(index.sizes(), doubles.options()))
                               .flatten();
  const at::Tensor rows = targets.flatten(0, 1).to(at::kDouble).t();  // (D, B·T)
  const at::Tensor count =
      at::full({targets.size(2)}, static_cast<double>(masked.numel()), doubles.options());
  return at::stack({count, at::mv(rows, times), at::mv(rows.square(), times)});
}

at::Tensor device_row_moments(const at::Tensor& x) {
  const at::Tensor rows = x.detach().flatten(0, 1);
  const at::Tensor sum = rows.sum(0, /*keepdim=*/false, at::kDouble);
  const at::Tensor squares = rows.to(at::kFloat).square().sum(0, /*keepdim=*/false, at::kDouble);
  return at::stack({at::full_like(sum, static_cast<double>(rows.size(0))), sum, squares});
}

bool can_make_device_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config) {
  const auto last = last_layers(layers, config);
  const at::Tensor& first = last.front();
  const bool instance = config.layer_norm == NormKind::instance || config.final_norm == NormKind::instance;
  return first.is_cuda() && has_number_type(first) && config.layer_norm != NormKind::batch &&
         config.layers <= kMostTargetLayers && (!instance || first.size(2) % 32 == 0) &&
         std::all_of(last.begin(), last.end(), [&](const at::Tensor& layer) {
           return layer.strides() == first.strides() && layer.stride(2) == 1 &&
                  layer.scalar_type() == first.scalar_type();
         });
}

at::Tensor device_targets(const std::vector<at::Tensor>& layers, const TargetConfig& config) {
  std::vector<const void*> pointers;
  for (const at::Tensor& layer : last_layers(layers, config)) pointers.push_back(layer.const_data_ptr());
  const at::Tensor& first = layers.back();
  at::Tensor out = at::empty(first.sizes(), first.options().dtype(at::kFloat));
  device_kernels().targets({.layers = pointers.data(),
                            .count = static_cast<int>(pointers.size()),
                            .samples = first.size(0),
                            .positions = first.size(1),
                            .width = first.size(2),
                            .sample_stride = first.stride(0),
                            .row_stride = first.stride(1),
                            .each_instance = config.layer_norm == NormKind::instance,
                            .last_instance = config.final_norm == NormKind::instance,
                            .each_layer = config.layer_norm == NormKind::layer,
                            .last_layer = config.final_norm == NormKind::layer,
                            .type = number_type(first),
                            .out = out.mutable_data_ptr<float>()},
                           current_cuda_stream());
  return out;
}

}  // namespace d2v
