#include "d2v/nn/block.h"

#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {
ModelConfig small_model(bool pre_norm) {
  ModelConfig config;
  config.dim = 32;
  config.heads = 4;
  config.layer_norm_first = pre_norm;
  return config;
}
}  // namespace

TEST_CASE("post-norm blocks equal the reference: outputs, feed-forward results and all gradients") {
  D2V_NEED_TEST_DATA("golden/blocks");
  for (const char* name : {"block_post", "block_post_tiny"}) {
    CAPTURE(name);
    const GoldenUnit unit(name);
    const at::Tensor x = unit.input("x");
    const BlockOutput out = plain_block(block_weights(unit.weights()), small_model(false), x, {}, 0, {}, 0);
    CHECK(GoldenUnit::error(out.output, unit.recorded("output.out")) < 5e-6);
    CHECK(GoldenUnit::error(out.ffn, unit.recorded("output.t")) < 5e-6);
    unit.backward({{"out", out.output}, {"t", out.ffn}});
    CHECK(unit.gradient_error() < 2e-5);
    CHECK(GoldenUnit::error(x.grad(), unit.recorded("grad_input.x")) < 2e-5);
  }
}

TEST_CASE(
    "what the trainer runs for such a block gives the reference's outputs and feed-forward results too") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const at::NoGradGuard no_grad;
  for (const char* name : {"block_post", "block_post_tiny"}) {
    CAPTURE(name);
    const GoldenUnit unit(name);
    const BlockOutput out =
        block_forward(block_weights(unit.weights()), small_model(false), unit.input("x"), {}, 0, {}, 0);
    CHECK(GoldenUnit::error(out.output, unit.recorded("output.out")) < 5e-6);
    CHECK(GoldenUnit::error(out.ffn, unit.recorded("output.t")) < 5e-6);
  }
}

TEST_CASE("with end-of-block targets the layer result is the block's output") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const GoldenUnit unit("block_post_end");
  const BlockOutput out =
      block_forward(block_weights(unit.weights()), small_model(false), unit.input("x"), {}, 0, {}, 0);
  CHECK(GoldenUnit::error(out.output, unit.recorded("output.t")) < 5e-6);
}

TEST_CASE("a pre-norm block adds the residual x, not the feed-forward result twice as the reference does") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const at::NoGradGuard no_grad;
  const GoldenUnit unit("block_pre_ref");
  const at::Tensor x = unit.input("x");
  const BlockOutput out = block_forward(block_weights(unit.weights()), small_model(true), x, {}, 0, {}, 0);
  CHECK(GoldenUnit::error(out.ffn, unit.recorded("output.t")) < 5e-6);
  CHECK(GoldenUnit::error(2 * out.ffn, unit.recorded("output.out")) < 5e-6);
  CHECK(GoldenUnit::error(out.output, unit.recorded("output.out")) > 0.1);
}

TEST_CASE("attention equals the reference, with and without a bias and padded keys") {
  D2V_NEED_TEST_DATA("golden/blocks");
  {
    const GoldenUnit unit("attention");
    const at::Tensor x = unit.input("x");
    const at::Tensor out = attention(attention_weights(unit.weights()), x, 4, {}, 0, {}, 0);
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
    unit.backward({{"out", out}});
    CHECK(unit.gradient_error() < 2e-5);
    CHECK(GoldenUnit::error(x.grad(), unit.recorded("grad_input.x")) < 2e-5);
  }
  const GoldenUnit unit("attention_alibi_padded");
  const at::Tensor x = unit.input("x"), bias = unit.input("bias");
  const at::Tensor padded = unit.input("padding_mask").to(at::kBool).view({2, 1, 1, 9});
  const at::Tensor out =
      attention(attention_weights(unit.weights()), x, 4, bias.masked_fill(padded, -INFINITY), 0, {}, 0);
  CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
  unit.backward({{"out", out}});
  CHECK(unit.gradient_error() < 2e-5);
  CHECK(GoldenUnit::error(bias.grad(), unit.recorded("grad_input.bias")) < 2e-5);
}

TEST_CASE("drop-path rates are linear over a stack") {
  CHECK(drop_path_rate(0, 0.3, 0, 4) == 0);
  CHECK(drop_path_rate(0, 0.3, 3, 4) == doctest::Approx(0.3));
  CHECK(drop_path_rate(0.1, 0.3, 1, 3) == doctest::Approx(0.2));
  CHECK(drop_path_rate(0.1, 0.3, 0, 1) == doctest::Approx(0.1));
}
