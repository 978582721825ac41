#include "d2v/train/update.h"

#include <limits>

#include "d2v/base/check.h"
#include "linear_objective.h"

#include "doctest.h"

using namespace d2v;
using test::LinearObjective;
using test::make_slice;

namespace {

// All slices of update after update, each cut into `parts`.
SliceStream stream_of(int64_t parts, int64_t first_update = 0) {
  auto next = std::make_shared<int64_t>(first_update * parts);
  return {[=] {
            const int64_t slice = (*next)++;
            return make_slice(slice / parts, slice % parts, parts);
          },
          {}};
}

double worst(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace

TEST_CASE("accumulated slices equal the bigger batch") {
  LinearObjective whole, sliced;
  AdamState adam_whole(whole.layout()), adam_sliced(sliced.layout());
  const auto one = stream_of(1), four = stream_of(4);
  for (int64_t u = 0; u < 5; ++u) {
    const UpdateSettings settings{.seed = 3, .update = u, .lr = 1e-2, .ema_decay = 0.9};
    const UpdateValues a = run_update(whole, one, settings, {}, adam_whole);
    const UpdateValues b = run_update(sliced, four, settings, {}, adam_sliced);
    CHECK(a.sample_size == b.sample_size);
    CHECK(a.samples == 8);
    CHECK(a.views == 24);
    CHECK(b.update == u + 1);
    CHECK(a.loss.item<double>() == doctest::Approx(b.loss.item<double>()).epsilon(1e-6));
    REQUIRE(b.parts.size() == 2);
    CHECK(a.parts[1].value.item<double>() == doctest::Approx(b.parts[1].value.item<double>()).epsilon(1e-6));
    CHECK(a.step.gradient_norm == doctest::Approx(b.step.gradient_norm).epsilon(1e-6));
    CHECK(at::allclose(a.target_moments, b.target_moments, 1e-6, 1e-6));
  }
  CHECK(worst(whole.weights(), sliced.weights()) < 1e-6);
  CHECK(worst(whole.teacher(), sliced.teacher()) < 1e-6);
}

TEST_CASE("updates bring the loss down") {
  LinearObjective objective;
  AdamState adam(objective.layout());
  const auto stream = stream_of(1);
  double first = 0, last = 0;
  for (int64_t u = 0; u < 100; ++u) {
    last = run_update(objective, stream, {.seed = 3, .update = u, .lr = 2e-2, .ema_decay = 0.99}, {}, adam)
               .loss.item<double>();
    if (u == 0) first = last;
  }
  CHECK(last < 0.2 * first);
  CHECK(objective.refreshed == 100);
}

TEST_CASE("a gradient that is not finite skips the step and counts as an update") {
  LinearObjective objective;
  AdamState adam(objective.layout());
  const auto before = objective.weights().clone();
  objective.poison = std::numeric_limits<float>::infinity();
  const UpdateValues values =
      run_update(objective, stream_of(2), {.seed = 3, .lr = 0.1, .ema_decay = 0.5}, {}, adam);
  CHECK(values.step.skipped);
  CHECK(values.update == 1);
  CHECK(at::equal(before, objective.weights()));
}

TEST_CASE("a loader at another update is an error") {
  LinearObjective objective;
  AdamState adam(objective.layout());
  CHECK_THROWS_WITH_AS(run_update(objective, stream_of(1, 7), {.update = 6}, {}, adam),
                       doctest::Contains("loader is at update 7, the trainer at update 6"), Error);
}

TEST_CASE("slices that do not add up to the plan are an error") {
  LinearObjective objective;
  AdamState adam(objective.layout());
  const SliceStream stream{[] {
                             BatchPtr slice = make_slice(0, 0, 1);
                             slice->update_sample_size += 1;
                             return slice;
                           },
                           {}};
  CHECK_THROWS_WITH_AS(run_update(objective, stream, {}, {}, adam), doctest::Contains("announced 121"),
                       Error);
}

TEST_CASE("slices go back when they are used up") {
  LinearObjective objective;
  AdamState adam(objective.layout());
  int returned = 0;
  SliceStream stream = stream_of(4);
  stream.give_back = [&](BatchPtr slice) { returned += slice != nullptr; };
  run_update(objective, stream, {.lr = 0.1}, {}, adam);
  CHECK(returned == 4);
}
