#include "d2v/nn/attention_bias.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/padding.h"

#include "doctest.h"

using namespace d2v;

namespace {
const at::Tensor alibi = at::randn({2, 3, 4, 4});
const at::Tensor padding_bias = padded_keys(valid_positions(at::tensor({4, 2}, at::kLong), 4), 0);
}  // namespace

TEST_CASE("one scale for all blocks is clamped at 0 and has no gradient below") {
  const at::Tensor scale =
      at::tensor({0.5, -1.0, 2.0}, at::kFloat).view({1, 1, 3, 1, 1}).requires_grad_(true);
  const AttentionBias bias(alibi, scale, {});
  CHECK(at::allclose(bias.of_block(0).total().select(1, 0), 0.5 * alibi.select(1, 0)));
  CHECK(bias.of_block(7).total().select(1, 1).abs().sum().item<float>() == 0);
  bias.of_block(0).total().sum().backward();
  CHECK(scale.grad()[0][0][1].item<float>() == 0);
  CHECK(scale.grad()[0][0][2].item<float>() == doctest::Approx(alibi.select(1, 2).sum().item<float>()));
}

TEST_CASE("a scale per layer multiplies its own block's bias") {
  const at::Tensor scale = at::tensor({1.0, 3.0}, at::kFloat).view({2, 1, 1, 1, 1});
  const AttentionBias bias(alibi, scale, {});
  CHECK(at::equal(bias.alibi(), alibi));
  CHECK(at::allclose(bias.of_block(1).total(), 3 * alibi));
}

TEST_CASE("padded keys are added to every block, with and without ALiBi") {
  const at::Tensor one = at::ones({1, 1, 1, 1, 1});
  const at::Tensor with = AttentionBias(alibi, one, padding_bias).of_block(0).total();
  CHECK(at::equal(with.isinf(), padding_bias.isinf().expand_as(with)));
  CHECK(at::equal(AttentionBias({}, {}, padding_bias).of_block(0).total(), padding_bias));
  CHECK_FALSE(AttentionBias().of_block(0).total().defined());
}
