#include "d2v/nn/padding.h"

#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {
const at::Tensor lengths = at::tensor({3, 1}, at::kLong);
}

TEST_CASE("positions before a row's length are valid; without lengths nothing is padded") {
  const at::Tensor valid = valid_positions(lengths, 3);
  CHECK(at::equal(valid.to(at::kInt), at::tensor({1, 1, 1, 1, 0, 0}, at::kInt).view({2, 3})));
  CHECK_FALSE(valid_positions({}, 3).defined());
  CHECK_THROWS_AS(valid_positions(lengths, 2), Error);
  CHECK_THROWS_AS(valid_positions(at::tensor({0, 1}, at::kLong), 2), Error);
}

TEST_CASE("padding becomes zero even where it is not finite, and passes no gradient") {
  at::Tensor x = at::ones({2, 3, 2});
  x[1][2].fill_(NAN);
  x.requires_grad_(true);
  const at::Tensor y = zero_padding(x, valid_positions(lengths, 3));
  CHECK(y[1].sum().item<float>() == 2);
  y.sum().backward();
  CHECK(x.grad()[1].sum().item<float>() == 2);
  CHECK(zero_padding(x, {}).is_same(x));
}

TEST_CASE("padded keys are -inf, extra tokens in front are not") {
  const at::Tensor keys = padded_keys(valid_positions(lengths, 3), 1);
  CHECK(keys.sizes() == at::IntArrayRef({2, 1, 1, 4}));
  CHECK(keys[1][0][0][1].item<float>() == 0);
  CHECK(std::isinf(keys[1][0][0][2].item<float>()));
  CHECK(keys[0].abs().sum().item<float>() == 0);
}

TEST_CASE("means are taken over valid positions") {
  const at::Tensor x = at::randn({2, 3, 4});
  const at::Tensor mean = mean_over_positions(x, valid_positions(lengths, 3));
  CHECK(at::allclose(mean[0], x[0].mean(0)));
  CHECK(at::allclose(mean[1], x[1][0]));
  CHECK(at::allclose(mean_over_positions(x, {}), x.mean(1)));
}

TEST_CASE(
    "the padding of clones is that of their sample, and exact padding is what convolutions see as zero") {
  const RowPadding padding{valid_positions(lengths, 3), true};
  CHECK(at::equal(padding.repeated(2).valid[1], padding.valid[0]));
  CHECK(at::equal(padding.repeated(2).valid[2], padding.valid[1]));
  CHECK(padding.for_convolutions().defined());
  CHECK_FALSE(RowPadding{padding.valid, false}.for_convolutions().defined());
}
