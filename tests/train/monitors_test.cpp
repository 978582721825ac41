#include "d2v/train/monitors.h"

#include <cmath>
#include <limits>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {

at::Tensor normal(at::IntArrayRef shape, uint64_t seed = 1) {
  return at::empty(shape, at::kFloat).normal_(0, 1, at::make_generator<at::CPUGeneratorImpl>(seed));
}

at::Tensor moments_of(const at::Tensor& rows) {
  const auto x = rows.to(at::kDouble);
  return at::stack(
      {at::full({x.size(1)}, static_cast<double>(x.size(0)), at::kDouble), x.sum(0), x.square().sum(0)});
}

Vitals healthy(int64_t update) {
  return {.update = update,
          .loss = 1,
          .target_var = 0.9,
          .pred_var = 0.5,
          .target_rank = 50,
          .local_rank = 40,
          .local_var = 0.6,
          .rank_limit = 64};
}

}  // namespace

TEST_CASE("moments of slices add up to the deviation of all rows") {
  const auto a = normal({30, 8}, 1) * 3 + 5, b = normal({7, 8}, 2);
  const auto all = at::cat({a, b});
  const double expected = (all.to(at::kDouble).var(0, true) + 1e-6).sqrt().mean().item<double>();
  CHECK(deviation_of_moments(moments_of(a) + moments_of(b)) == doctest::Approx(expected).epsilon(1e-10));
  CHECK(deviation(all) == doctest::Approx(expected).epsilon(1e-10));
}

TEST_CASE("constant features have a deviation of one thousandth") {
  CHECK(deviation(at::full({10, 4}, 7.0)) == doctest::Approx(1e-3));
  CHECK(deviation_of_moments(moments_of(at::full({10, 4}, 7.0))) == doctest::Approx(1e-3));
  CHECK(std::isnan(deviation_of_moments(moments_of(at::ones({1, 4})))));
}

TEST_CASE("the effective rank counts directions") {
  CHECK(effective_rank(at::eye(12)) == doctest::Approx(12).epsilon(1e-5));
  CHECK(effective_rank(normal({1, 16}).expand({40, 16})) == doctest::Approx(1).epsilon(1e-2));
  CHECK(effective_rank(at::zeros({5, 6})) == 1);
  const auto three = at::matmul(normal({100, 3}, 1), normal({3, 32}, 2));
  CHECK(effective_rank(three) > 2);
  CHECK(effective_rank(three) < 3.01);
  CHECK(std::isnan(effective_rank(at::full({3, 3}, std::numeric_limits<double>::infinity()))));
}

TEST_CASE("the effective rank of many rows uses evenly spaced ones") {
  const auto rows = normal({1000, 4});
  CHECK(effective_rank(rows, 10) == effective_rank(rows.slice(0, 0, 1000, 100), 10));
}

TEST_CASE("a healthy run is silent") {
  Health health({});
  for (int64_t u = 0; u < 10000; u += 50) CHECK_FALSE(health.observe(healthy(u)).has_value());
  CHECK(health.line() == "targets 0.9, predictions 0.5, effective rank 50.0 of 64, local encoder 0.6");
}

TEST_CASE("collapse is announced before it stops the run") {
  Health health({});
  Vitals v = healthy(5000);
  v.target_var = 0.12;
  const auto warning = health.observe(v);
  REQUIRE(warning.has_value());
  CHECK(warning->find("targets are getting alike") != std::string::npos);
  v.update = 5001;
  v.target_var = 0.11;
  CHECK_FALSE(health.observe(v).has_value());  // already said
  v.target_var = 0.09;
  CHECK_THROWS_WITH_AS(health.observe(v), doctest::Contains("has collapsed: the targets' deviation is 0.09"),
                       CollapseError);
}

TEST_CASE("the guard waits for guard_after updates and can be switched off") {
  Vitals flat = healthy(4999);
  flat.pred_var = 1e-3;
  CHECK_NOTHROW(Health({}).observe(flat));
  flat.update = 5000;
  CHECK_THROWS_AS(Health({}).observe(flat), CollapseError);
  HealthConfig off;
  off.min_pred_var = 0;
  CHECK_NOTHROW(Health(off).observe(flat));
}

TEST_CASE("a falling rank and a flat local encoder are named") {
  Health health({});
  health.observe(healthy(100));
  Vitals v = healthy(200);
  v.target_rank = 5;
  v.local_var = 1e-4;
  const auto warning = health.observe(v);
  REQUIRE(warning.has_value());
  CHECK(warning->find("effective rank 5.0, it was 50.0") != std::string::npos);
  CHECK(warning->find("local encoder's output is nearly constant") != std::string::npos);
}

TEST_CASE("too many skipped updates in a row stop the run") {
  HealthConfig config;
  config.max_skipped = 3;
  Health health(config);
  Vitals skipped = healthy(1);
  skipped.skipped = true;
  CHECK(health.observe(skipped)->find("not finite") != std::string::npos);
  health.observe(skipped);
  health.observe(healthy(3));  // a good one in between starts the count anew
  health.observe(skipped);
  health.observe(skipped);
  CHECK_THROWS_WITH_AS(health.observe(skipped), doctest::Contains("3 times in a row"), CollapseError);
}

TEST_CASE("values that were not measured neither warn nor stop") {
  Health health({});
  health.observe(healthy(6000));
  Vitals v = healthy(6001);
  v.target_var = v.pred_var = v.target_rank = v.local_var = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(health.observe(v).has_value());
  CHECK(health.line().find("targets 0.9") == 0);
}
