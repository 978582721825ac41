#include "d2v/model/bert_tokens.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {
RowKeys keys_of(int64_t rows) {
  RowKeys keys;
  for (int64_t i = 0; i < rows; ++i)
    keys.push_back({.seed = 1, .step = 5, .sample = static_cast<uint64_t>(7 + i)});
  return keys;
}
}  // namespace

TEST_CASE("chosen tokens become the mask token, a random plain one, or stay, in the given shares") {
  constexpr int64_t rows = 40, length = 500, mask_token = 1000;
  const at::Tensor tokens = at::full({rows, length}, 3, at::kLong);  // no plain token: a change shows
  const at::Tensor masked =
      std::get<0>(at::rand({rows, 1, length}).argsort(-1, false).slice(2, 0, 250).sort(-1)).contiguous();
  Data2Vec1Config config;
  const at::Tensor out = corrupt_tokens(tokens, masked, mask_token, config, keys_of(rows));
  const double chosen = rows * 250;
  const at::Tensor changed = out.ne(tokens);
  CHECK(changed.logical_not().sum().item<int64_t>() >= rows * 250);  // what was not chosen
  CHECK(out.eq(mask_token).sum().item<double>() / chosen == doctest::Approx(0.8).epsilon(0.02));
  const at::Tensor random = out.masked_select(changed.logical_and(out.ne(mask_token)));
  CHECK(static_cast<double>(random.size(0)) / chosen == doctest::Approx(0.1).epsilon(0.1));
  CHECK(random.min().item<int64_t>() >= first_plain_token);
  CHECK(random.max().item<int64_t>() < mask_token);

  config.mask_share = 1;
  config.random_share = 0;
  const at::Tensor all = corrupt_tokens(tokens, masked, mask_token, config, keys_of(rows));
  CHECK(all.eq(mask_token).sum().item<int64_t>() == rows * 250);
}

TEST_CASE("a row's tokens depend on its own key alone") {
  const at::Tensor tokens = at::full({2, 50}, 3, at::kLong);
  const at::Tensor masked = at::arange(30, at::kLong).view({1, 1, 30}).repeat({2, 1, 1});
  const RowKeys keys = keys_of(2);
  const at::Tensor both = corrupt_tokens(tokens, masked, 900, {}, keys);
  const at::Tensor second =
      corrupt_tokens(tokens.slice(0, 1), masked.slice(0, 1).contiguous(), 900, {}, {keys[1]});
  CHECK(at::equal(both[1], second[0]));
  CHECK_FALSE(at::equal(both[0], both[1]));
}
