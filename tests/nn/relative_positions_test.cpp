#include "d2v/nn/relative_positions.h"

#include "d2v/base/check.h"
#include "d2v/nn/padding.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {
SpeechConfig speech(int64_t depth, int64_t kernel) {
  SpeechConfig config;
  config.positions_depth = depth;
  config.positions_width = depth * kernel;
  config.positions_groups = 2;
  return config;
}
}  // namespace

TEST_CASE("relative positions equal the reference: odd and even kernels, kernels wider than the sequence") {
  D2V_NEED_TEST_DATA("golden/blocks");
  struct Unit {
    const char* name;
    int64_t depth, kernel;
  };
  for (const Unit& u : {Unit{"positional_odd", 2, 5}, Unit{"positional_even", 2, 6},
                        Unit{"positional_wide", 1, 19}, Unit{"positional_tiny", 1, 19}}) {
    CAPTURE(u.name);
    const GoldenUnit unit(u.name);
    const at::Tensor x = unit.input("x");
    const at::Tensor out =
        relative_positions(relative_position_weights(unit.weights(), 1, speech(u.depth, u.kernel)), x, {});
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
    unit.backward({{"out", out}});
    CHECK(unit.gradient_error() < 2e-5);
    CHECK(GoldenUnit::error(x.grad(), unit.recorded("grad_input.x")) < 2e-5);
  }
}

TEST_CASE("a row's positions do not depend on what pads it") {
  const RelativePositionWeights weights{
      {at::randn({8, 4, 5}), at::randn({8, 4, 6})}, {at::randn({8}), at::randn({8})}, 2};
  const at::Tensor x = at::randn({2, 9, 8});
  const at::Tensor valid = valid_positions(at::tensor({9, 4}, at::kLong), 9);
  const at::Tensor padded = relative_positions(weights, x, valid);
  CHECK(at::allclose(padded[0], relative_positions(weights, x.slice(0, 0, 1), {})[0], 1e-5, 1e-5));
  const at::Tensor alone = relative_positions(weights, x.slice(0, 1).slice(1, 0, 4), {});
  CHECK(at::allclose(padded[1].slice(0, 0, 4), alone[0], 1e-5, 1e-5));
  CHECK_FALSE(at::allclose(relative_positions(weights, x, {})[1].slice(0, 0, 4), alone[0], 1e-3, 1e-3));
}

TEST_CASE("groups that do not divide the width are refused") {
  std::vector<Parameter> out;
  CHECK_THROWS_AS(declare_relative_positions(out, "", 1, speech(1, 3), 7, TeacherRule::absent), UsageError);
}
