#include "d2v/nn/attention_dropout.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {
const RowKeys two_rows{{.seed = 7, .step = 3, .sample = 1}, {.seed = 7, .step = 3, .sample = 2}};
}

TEST_CASE("what is dropped among a row's first tokens does not depend on how many follow") {
  const at::Tensor few = attention_dropout(at::ones({2, 3, 5, 5}), 0.3, two_rows, 4);
  const at::Tensor many = attention_dropout(at::ones({2, 3, 9, 9}), 0.3, two_rows, 4);
  CHECK(at::equal(many.slice(2, 0, 5).slice(3, 0, 5), few));
}

TEST_CASE("rows, heads, queries and sites have numbers of their own; the share and the mean are kept") {
  const at::Tensor x = attention_dropout(at::ones({2, 4, 100, 100}), 0.3, two_rows, 4);
  CHECK_FALSE(at::equal(x[0], x[1]));
  CHECK_FALSE(at::equal(x[0][0], x[0][1]));
  CHECK_FALSE(at::equal(x[0][0][0], x[0][0][1]));
  CHECK_FALSE(at::equal(x, attention_dropout(at::ones({2, 4, 100, 100}), 0.3, two_rows, 5)));
  CHECK(x.eq(0).to(at::kDouble).mean().item<double>() == doctest::Approx(0.3).epsilon(0.02));
  CHECK(x.mean().item<double>() == doctest::Approx(1).epsilon(0.02));
  CHECK(attention_dropout(x, 0.3, {}, 0).is_same(x));
}
