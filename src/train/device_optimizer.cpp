#include "device_optimizer.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

namespace {

// The parts of the arguments that both need, and what holds their memory.
struct Queued {
  at::Tensor chunks, partial, factors, report;
  AdamStepArguments work{};
};

Queued queue(const std::vector<AdamChunk>& chunks, const AdamPlan& plan, const at::Tensor& gradients) {
  const auto doubles = gradients.options().dtype(at::kDouble);
  Queued out;
  out.chunks = send_bytes(chunks.data(), chunks.size() * sizeof(AdamChunk), gradients.device());
  out.partial = at::empty({static_cast<int64_t>(chunks.size())}, doubles);
  out.factors = at::empty({static_cast<int64_t>(2 * sizeof(AdamFactors))}, doubles.dtype(at::kByte));
  out.report = at::zeros({3}, doubles);
  out.work.chunks = static_cast<const AdamChunk*>(out.chunks.const_data_ptr());
  out.work.chunk_count = static_cast<int64_t>(chunks.size());
  out.work.plan = plan;
  out.work.gradients = gradients.const_data_ptr<float>();
  out.work.partial = out.partial.mutable_data_ptr<double>();
  out.work.factors = static_cast<AdamFactors*>(out.factors.mutable_data_ptr());
  out.work.report = out.report.mutable_data_ptr<double>();
  return out;
}

}  // namespace

double device_gradient_norm(const std::vector<AdamChunk>& chunks, const at::Tensor& gradients) {
  AdamPlan plan{};
  plan.gradient_scale = 1;
  const Queued queued = queue(chunks, plan, gradients);
  device_kernels().gradient_norm(queued.work, current_cuda_stream());
  return queued.report[0].item<double>();
}

StepReport device_step(const std::vector<AdamChunk>& chunks, const AdamPlan& plan, double ema_decay,
                       const OptimizerArenas& arenas, AdamState& state) {
  Queued queued = queue(chunks, plan, arenas.gradients);
  AdamStepArguments& work = queued.work;
  work.blend = static_cast<float>(1 - ema_decay);
  work.weights = arenas.weights.mutable_data_ptr<float>();
  work.first = state.first.mutable_data_ptr<float>();
  work.second = state.second.mutable_data_ptr<float>();
  if (arenas.teacher.defined() && ema_decay < 1) work.teacher = arenas.teacher.mutable_data_ptr<float>();
  work.steps = state.device_steps.mutable_data_ptr<int64_t>();
  device_kernels().adam_step(work, current_cuda_stream());
  StepReport report;
  report.pending = queued.report;
  return report;
}

}  // namespace d2v
