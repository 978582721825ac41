#include "d2v/eval/standardize.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "random_features.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("the features that were measured get mean 0 and deviation 1") {
  const at::Tensor features = test::random_features(5000, 3, 1) * at::tensor({1e-3f, 1.f, 50.f}) + 7;
  const at::Tensor out = Standardizer(features)(features);
  CHECK(out.mean(0).abs().max().item<float>() < 1e-4f);
  CHECK((out.std(0, false) - 1).abs().max().item<float>() < 1e-3f);
}

TEST_CASE("other features are moved by the measured ones' mean and deviation") {
  const Standardizer standardize(at::tensor({0.f, 10.f}).view({2, 1}));  // mean 5, deviation 5
  CHECK(standardize(at::tensor({20.f}).view({1, 1})).item<float>() == doctest::Approx(3));
}

TEST_CASE("a constant channel becomes 0 instead of infinite") {
  const at::Tensor constant = at::full({10, 1}, 0.1f);
  CHECK(Standardizer(constant)(constant).abs().max().item<float>() == 0);
  CHECK(Standardizer(constant)(constant + 1).abs().max().item<float>() == 0);
}

TEST_CASE("no features, no statistics") { CHECK_THROWS_AS(Standardizer(at::zeros({0, 4})), Error); }

TEST_CASE("scaled together, channels keep their relation and have unit variance on average") {
  const at::Tensor features = test::random_features(500, 3, 7) * at::tensor({1.f, 2.f, 0.f});
  const at::Tensor scaled = Standardizer(features, ChannelScale::together)(features);
  const at::Tensor variance = scaled.var(0, false);
  CHECK(variance.mean().item<float>() == doctest::Approx(1).epsilon(1e-4));
  CHECK((variance[1] / variance[0]).item<float>() ==
        doctest::Approx((features.select(1, 1).var(false) / features.select(1, 0).var(false)).item<float>())
            .epsilon(1e-4));
  CHECK(variance[2].item<float>() == 0);
}
