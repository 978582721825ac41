#include "d2v/model/arena_objective.h"

#include <utility>

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

ArenaObjective::ArenaObjective(const Config& config, Precision precision, std::vector<Parameter> parameters)
    : config_(config),
      upload_(resolve_device(config.run.device)),
      dtype_(precision == Precision::bf16 ? at::kBFloat16 : at::kFloat),
      layout_(std::move(parameters)) {
  const at::Device device = upload_.device();
  const auto arena = [&](at::ScalarType type) { return make_arena(layout_.size(), type).to(device); };
  // Drawn on the host: the same weights on every device.
  at::Tensor weights = make_arena(layout_.size(), at::kFloat);
  initialise(layout_, weights, static_cast<uint64_t>(config.run.seed));
  student_arenas_.full = weights.to(device);
  student_arenas_.full_gradient = arena(at::kFloat);
  const bool low = dtype_ != at::kFloat;
  student_arenas_.low = low ? arena(dtype_) : student_arenas_.full;
  student_arenas_.low_gradient = low ? arena(dtype_) : student_arenas_.full_gradient;
}

void ArenaObjective::start_teacher() {
  if (layout_.teacher_size() > 0) {
    teacher_arenas_.full = student_arenas_.full.narrow(0, 0, layout_.teacher_size()).clone();
    teacher_arenas_.low = dtype_ == at::kFloat
                              ? teacher_arenas_.full
                              : make_arena(layout_.teacher_size(), dtype_).to(upload_.device());
  }
  weights_changed();
}

void ArenaObjective::weights_changed() {
  if (dtype_ == at::kFloat) return;
  student_arenas_.low.copy_(student_arenas_.full);
  if (teacher_arenas_.full.defined()) teacher_arenas_.low.copy_(teacher_arenas_.full);
}

void ArenaObjective::zero_gradients() {
  student_arenas_.full_gradient.zero_();
  if (dtype_ != at::kFloat) student_arenas_.low_gradient.zero_();
}

void ArenaObjective::backward(const at::Tensor& loss, double scale) {
  enter(clock_, StepPart::loss, StepPass::backward);
  loss.backward(at::full({}, scale, loss.options()));
  enter(clock_, StepPart::other);
  if (dtype_ == at::kFloat) return;
  // bf16 weights collect bf16 gradients of one slice; slices add up in fp32.
  student_arenas_.full_gradient.add_(student_arenas_.low_gradient);
  student_arenas_.low_gradient.zero_();
}

}  // namespace d2v
