// Two updates on a GPU give what the CPU gives, within rounding. Skipped where there is no device.

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"
#include "d2v/train/optimizer.h"
#include "d2v/train/synthetic_batch.h"
#include "test_data.h"

#include "doctest.h"

namespace d2v {
namespace {

Config small_pictures(DeviceKind device) {
  Config config;
  config.run.device = device;
  config.image.size = 32;
  config.image.patch = 8;
  config.data.batch = 3;
  config.mask.clones = 2;
  config.mask.prob = 0.5;
  config.model.dim = 64;
  config.model.heads = 4;
  config.model.depth = 2;
  config.model.prenet_depth = 0;
  config.target.layers = 2;
  config.decoder.dim = 64;
  config.decoder.groups = 4;
  config.decoder.layers = 2;
  config.loss.recon = 0;
  return config;
}

struct Result {
  double loss = 0, norm = 0;
  at::Tensor weights, teacher;
};

Result two_updates(DeviceKind device) {
  const Config config = small_pictures(device);
  const auto objective = make_objective(config, Precision::fp32);
  const DeviceBatch batch = synthetic_batch(config);
  AdamState adam(objective->layout(), objective->weights().device());
  Result out;
  for (int64_t update = 0; update < 2; ++update) {
    objective->zero_gradients();
    const StepOutput step =
        objective->forward(batch, {1, update, 0, config.data.batch, batch.masked.numel()}, nullptr);
    objective->backward(step.loss, 1.0);
    const StepReport report = settled(optimizer_step(
        objective->layout(), config.optim, {1e-3, 0.99, 1.0 / static_cast<double>(step.sample_size)},
        {objective->weights(), objective->gradients(), objective->teacher()}, adam));
    objective->weights_changed();
    out.loss = step.loss.item<double>();
    out.norm = report.gradient_norm;
  }
  CHECK(steps_of(adam) == 2);
  out.weights = objective->weights().cpu();
  out.teacher = objective->teacher().cpu();
  return out;
}

TEST_CASE("without a device, run.device = cuda says so and auto is the CPU") {
  if (cuda_kernels() != nullptr && at::hasCUDA()) D2V_SKIP("there is a device");
  CHECK(resolve_device(DeviceKind::automatic).is_cpu());
  CHECK_THROWS_AS(resolve_device(DeviceKind::cuda), UsageError);
}

TEST_CASE("two updates on a GPU are those of the CPU") {
  if (cuda_kernels() == nullptr || !at::hasCUDA()) D2V_SKIP("no device");
  const Result host = two_updates(DeviceKind::cpu), device = two_updates(DeviceKind::cuda);
  CHECK(device.loss == doctest::Approx(host.loss).epsilon(1e-4));
  CHECK(device.norm == doctest::Approx(host.norm).epsilon(1e-4));
  CHECK((device.weights - host.weights).abs().max().item<double>() < 1e-3);
  CHECK((device.teacher - host.teacher).abs().max().item<double>() < 1e-4);
}

}  // namespace
}  // namespace d2v
