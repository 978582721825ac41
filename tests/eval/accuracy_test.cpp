#include "d2v/eval/accuracy.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("the Wilson interval has its known values") {
  // Wikipedia's and R's binom package's figures for 95 %.
  const Interval none = wilson_interval(0, 10), half = wilson_interval(5, 10), all = wilson_interval(10, 10);
  CHECK(none.low == doctest::Approx(0).epsilon(1e-9));
  CHECK(none.high == doctest::Approx(0.2775328).epsilon(1e-6));
  CHECK(half.low == doctest::Approx(0.2365931).epsilon(1e-6));
  CHECK(half.high == doctest::Approx(0.7634069).epsilon(1e-6));
  CHECK(all.low == doctest::Approx(0.7224672).epsilon(1e-6));
  CHECK(all.high == doctest::Approx(1));
}

TEST_CASE("without trials everything is possible") {
  CHECK(wilson_interval(0, 0).low == 0);
  CHECK(wilson_interval(0, 0).high == 1);
}

TEST_CASE("balanced accuracy counts classes, plain accuracy counts pictures") {
  const at::Tensor truth = at::tensor({0, 0, 0, 0, 1, 1}, at::kLong);
  const at::Tensor always_zero = at::zeros({6}, at::kLong);
  const Accuracy a = accuracy(always_zero, truth, 3);  // class 2 does not occur and does not count
  CHECK(a.n == 6);
  CHECK(a.correct == 4);
  CHECK(a.value == doctest::Approx(4.0 / 6));
  CHECK(a.balanced == doctest::Approx(0.5));
  CHECK(a.interval.low < a.value);
  CHECK(a.interval.high > a.value);
}

TEST_CASE("intervals overlap when they share a point") {
  CHECK(Interval{0.1, 0.3}.overlaps({0.3, 0.4}));
  CHECK(Interval{0.1, 0.3}.overlaps({0.0, 0.9}));
  CHECK_FALSE(Interval{0.1, 0.3}.overlaps({0.31, 0.4}));
}

TEST_CASE("wrong input is an error") {
  CHECK_THROWS_AS(accuracy(at::zeros({2}, at::kLong), at::zeros({3}, at::kLong), 2), Error);
  CHECK_THROWS_AS(accuracy(at::zeros({0}, at::kLong), at::zeros({0}, at::kLong), 2), Error);
  CHECK_THROWS_AS(accuracy(at::zeros({1}, at::kLong), at::full({1}, 2, at::kLong), 2), Error);
}
