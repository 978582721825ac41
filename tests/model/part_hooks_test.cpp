#include "d2v/model/part_hooks.h"

#include "d2v/model/data2vec2.h"
#include "d2v/model/mae.h"
#include "d2v/nn/aten.h"
#include "small_models.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

namespace {

DeviceBatch pictures() {
  DeviceBatch batch = test::masked_batch({16, 16}, 16, 2, 10);
  batch.lengths = at::Tensor();
  batch.input = at::randn({2, 3, 16, 16});
  return batch;
}

std::string name_of_visit(StepPart part, StepPass pass) {
  return std::string(kStepPartNames[static_cast<size_t>(part)]) +
         (pass == StepPass::forward ? " forward" : " backward");
}

// The parts in the order in which a step went through them, without repetitions of neighbours.
std::vector<std::string> visits(ArenaObjective& objective, const DeviceBatch& batch) {
  PartClock clock;
  std::vector<std::string> out;
  clock.before_switch = [&] {
    const std::string now = name_of_visit(clock.part(), clock.pass());
    if (clock.part() != StepPart::other && (out.empty() || out.back() != now)) out.push_back(now);
  };
  clock.start();
  objective.measure(&clock);
  objective.backward(objective.forward(batch, test::key_of(batch), nullptr).loss, 1);
  objective.measure(nullptr);
  return out;
}

std::vector<std::string> forward_then_back(const std::vector<StepPart>& forward,
                                           const std::vector<StepPart>& back) {
  std::vector<std::string> out;
  for (const StepPart part : forward) out.push_back(name_of_visit(part, StepPass::forward));
  for (const StepPart part : back) out.push_back(name_of_visit(part, StepPass::backward));
  return out;
}

}  // namespace

TEST_CASE("a step goes through its parts in order, and back through those that learn") {
  using enum StepPart;
  const DeviceBatch batch = pictures();
  Data2Vec2 data2vec(test::small_pictures(), Precision::fp32);
  CHECK(visits(data2vec, batch) ==
        forward_then_back({local_encoder, gather, student, restore, decoder, teacher, targets, loss},
                          {loss, decoder, restore, student, gather, local_encoder}));
  Config config = test::small_pictures();
  config.model.prenet_depth = 0;
  Mae mae(config, Precision::fp32);
  CHECK(visits(mae, batch) ==
        forward_then_back({local_encoder, gather, student, restore, decoder, targets, loss},
                          {loss, decoder, restore, student, gather, local_encoder}));
}

TEST_CASE("loss and gradients are the same with and without a clock") {
  const DeviceBatch batch = pictures();
  Data2Vec2 objective(test::small_pictures(), Precision::fp32);
  const auto gradients = [&](PartClock* clock) {
    objective.measure(clock);
    objective.zero_gradients();
    const StepOutput out = objective.forward(batch, test::key_of(batch), nullptr);
    objective.backward(out.loss, 1);
    return std::pair(out.loss.item<double>(), objective.gradients().clone());
  };
  PartClock clock;
  clock.start();
  const auto [loss, gradient] = gradients(nullptr);
  const auto [measured_loss, measured_gradient] = gradients(&clock);
  CHECK(loss == measured_loss);
  CHECK(gradient.equal(measured_gradient));
}
