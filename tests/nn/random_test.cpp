#include "d2v/nn/random.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {
RowKeys keys_of(std::initializer_list<uint64_t> samples, uint32_t clone = 0) {
  RowKeys keys;
  for (uint64_t sample : samples) keys.push_back({.seed = 7, .step = 3, .sample = sample, .clone = clone});
  return keys;
}
}  // namespace

TEST_CASE("noise and dropout of a row depend on its sample, not on its place in the batch") {
  const at::Tensor ab = row_noise(keys_of({1, 2}), 5, 8, 1.0, at::kFloat);
  const at::Tensor ba = row_noise(keys_of({2, 1}), 5, 8, 1.0, at::kFloat);
  CHECK(at::equal(ab[0], ba[1]));
  CHECK_FALSE(at::equal(ab[0], ab[1]));
  CHECK_FALSE(at::equal(ab[0], row_noise(keys_of({1}, 1), 5, 8, 1.0, at::kFloat)[0]));

  const at::Tensor x = at::ones({2, 100});
  CHECK(at::equal(dropout(x, 0.5, keys_of({1, 2}), 0)[0], dropout(x, 0.5, keys_of({2, 1}), 0)[1]));
  CHECK_FALSE(at::equal(dropout(x, 0.5, keys_of({1, 2}), 0), dropout(x, 0.5, keys_of({1, 2}), 1)));
}

TEST_CASE("dropout keeps the mean and zeroes the given share") {
  RowKeys keys;
  for (uint64_t i = 0; i < 64; ++i) keys.push_back({.sample = i});
  const at::Tensor y = dropout(at::ones({64, 4096}), 0.3, keys, 0);
  CHECK((y == 0).to(at::kFloat).mean().item<double>() == doctest::Approx(0.3).epsilon(0.01));
  CHECK(y.mean().item<double>() == doctest::Approx(1.0).epsilon(0.01));
}

TEST_CASE("drop-path drops whole rows and scales the others") {
  RowKeys keys;
  for (uint64_t i = 0; i < 4000; ++i) keys.push_back({.sample = i});
  const at::Tensor y = drop_path(at::ones({4000, 3}), 0.25, keys, 2);
  CHECK(at::equal(y.select(1, 0), y.select(1, 2)));
  CHECK((y.select(1, 0) == 0).to(at::kFloat).mean().item<double>() == doctest::Approx(0.25).epsilon(0.1));
  CHECK(y.max().item<double>() == doctest::Approx(1 / 0.75));
}

TEST_CASE("without keys nothing is dropped") {
  const at::Tensor x = at::randn({4, 4});
  CHECK(dropout(x, 0.5, {}, 0).is_same(x));
  CHECK(drop_path(x, 0.5, {}, 0).is_same(x));
}

TEST_CASE("noise has the asked deviation in both number formats") {
  RowKeys keys = keys_of({1, 2, 3, 4});
  const at::Tensor noise = row_noise(keys, 64, 256, 0.01, at::kFloat);
  CHECK(noise.std().item<double>() == doctest::Approx(0.01).epsilon(0.02));
  CHECK(std::abs(noise.mean().item<double>()) < 2e-4);
  CHECK(at::equal(row_noise(keys, 64, 256, 0.01, at::kBFloat16), noise.to(at::kBFloat16)));
}
