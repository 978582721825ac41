// The part that all objectives share: weights, gradients and teacher in flat arenas, and their bf16 copies.
#pragma once

#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/part_clock.h"
#include "d2v/model/objective.h"
#include "d2v/model/upload.h"
#include "d2v/nn/weights.h"

namespace d2v {

class ArenaObjective : public Objective {
 public:
  const ParameterLayout& layout() const override { return layout_; }
  at::Tensor weights() override { return student_arenas_.full; }
  at::Tensor teacher() override { return teacher_arenas_.full; }
  at::Tensor gradients() override { return student_arenas_.full_gradient; }
  void zero_gradients() override;
  void weights_changed() override;
  void backward(const at::Tensor& loss, double scale) override;

  // From now on every step tells the clock which part it is in; null: nothing is measured. The clock must outlive the
  // steps. Results do not depend on it.
  void measure(PartClock* clock) { clock_ = clock; }

 protected:
  // Arenas of the declared parameters on the device of config.run.device, with initial weights drawn from
  // config.run.seed. Throws UsageError where there is no such device.
  ArenaObjective(const Config& config, Precision precision, std::vector<Parameter> parameters);

  // To be called once the student's initial weights are final: the teacher starts as a copy of them, and low-precision
  // copies are made. Without teacher parameters there is no teacher.
  void start_teacher();

  // Inputs where the weights are; what is there already stays.
  DeviceBatch on_device(const DeviceBatch& batch) { return upload_.batch(batch); }
  at::Tensor on_device(const at::Tensor& tensor) { return upload_.tensor(tensor); }

  Config config_;
  Upload upload_;
  at::ScalarType dtype_;
  ParameterLayout layout_;
  WeightArenas student_arenas_, teacher_arenas_;
  PartClock* clock_ = nullptr;
};

}  // namespace d2v
