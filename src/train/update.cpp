#include "d2v/train/update.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {
namespace {

void add(at::Tensor& sum, const at::Tensor& value) {
  if (!value.defined()) return;
  sum = sum.defined() ? sum + value.detach() : value.detach();
}

void add(UpdateValues& values, const Batch& slice, const StepOutput& output) {
  values.epoch = slice.epoch;
  values.samples += slice.samples;
  values.views += slice.samples * slice.clones;
  values.positions += slice.samples * slice.clones * slice.positions;
  values.sample_size += output.sample_size;
  add(values.loss, output.loss);
  for (const Monitored& part : output.parts) {
    const auto same = [&](const Monitored& m) { return m.name == part.name; };
    const auto known = std::find_if(values.parts.begin(), values.parts.end(), same);
    if (known == values.parts.end()) {
      values.parts.push_back({part.name, part.value.detach()});
    } else {
      add(known->value, part.value);
    }
  }
  add(values.target_moments, output.target_moments);
  add(values.prediction_moments, output.prediction_moments);
  values.targets = output.targets;
  values.local_features = output.local_features;
}

// On a GPU: the sums start for the host's memory now and are waited for when they are read, an update later.
void send_home(UpdateValues& values) {
  if (!values.loss.defined() || values.loss.is_cpu()) return;
  const at::Device device = values.loss.device();
  const auto start = [](at::Tensor& value) {
    if (!value.defined()) return;
    at::Tensor host = at::empty(value.sizes(), value.options().device(at::kCPU).pinned_memory(true));
    value = host.copy_(value, /*non_blocking=*/true);
  };
  start(values.loss);
  for (Monitored& part : values.parts) start(part.value);
  start(values.target_moments);
  start(values.prediction_moments);
  start(values.step.pending);
  auto event = std::make_shared<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  values.arrived = [event] { event->synchronize(); };
}

// Forward and backward of one slice. Returns the samples of the whole update.
int64_t run_slice(Objective& objective, const SliceStream& stream, const UpdateSettings& settings,
                  UpdateValues& values) {
  const auto start = std::chrono::steady_clock::now();
  BatchPtr slice = stream.next();
  values.wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  check(slice != nullptr && slice->update == settings.update,
        "the loader is at update {}, the trainer at update {}", slice ? slice->update : -1, settings.update);
  const int64_t update_samples = slice->update_samples;
  {
    const DeviceBatch batch = to_tensors(*slice);
    const StepKey key{settings.seed, settings.update, slice->epoch, update_samples,
                      slice->update_sample_size};
    const StepOutput output = objective.forward(batch, key, nullptr);
    objective.backward(output.loss, 1.0);
    add(values, *slice, output);
    check(values.samples < update_samples || values.sample_size == slice->update_sample_size,
          "update {}: the plan announced {} masked positions, the slices had {}", settings.update,
          slice->update_sample_size, values.sample_size);
  }
  if (stream.give_back) stream.give_back(std::move(slice));
  return update_samples;
}

}  // namespace

UpdateValues run_update(Objective& objective, const SliceStream& stream, const UpdateSettings& settings,
                        const OptimConfig& config, AdamState& adam) {
  UpdateValues values;
  values.update = settings.update + 1;
  values.lr = settings.lr;
  values.ema_decay = settings.ema_decay;
  objective.zero_gradients();
  int64_t update_samples = 0;
  do {
    update_samples = run_slice(objective, stream, settings, values);
  } while (values.samples < update_samples);
  const OptimizerArenas arenas{objective.weights(), objective.gradients(), objective.teacher()};
  const double scale = 1.0 / static_cast<double>(values.sample_size);
  values.step =
      optimizer_step(objective.layout(), config, {settings.lr, settings.ema_decay, scale}, arenas, adam);
  objective.weights_changed();
  send_home(values);
  return values;
}

}  // namespace d2v
