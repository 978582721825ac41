#include "d2v/eval/ridge.h"

#include <algorithm>
#include <limits>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "random_features.h"

#include "doctest.h"

using namespace d2v;

namespace {

// |X·W + 1·b - Y|²/n + λ|W|², its gradient written out: zero at the solution, and nowhere else.
double largest_gradient(const at::Tensor& features, const at::Tensor& labels, int64_t classes, double lambda,
                        const RidgeModel& model) {
  const double n = static_cast<double>(features.size(0));
  at::Tensor x = features.to(at::kDouble);
  x = (x - x.mean(0)) / x.std(0, false);
  const at::Tensor y = at::one_hot(labels, classes).to(at::kDouble), w = model.weights.to(at::kDouble);
  const at::Tensor error = at::mm(x, w) + model.bias.to(at::kDouble) - y;
  const at::Tensor of_weights = at::mm(x.t(), error) / n + lambda * w;
  return std::max(of_weights.abs().max().item<double>(), error.mean(0).abs().max().item<double>());
}

}  // namespace

TEST_CASE("the solution has no gradient, with more samples than features") {
  const at::Tensor labels = test::random_labels(300, 4, 1),
                   features = test::clouds(labels, 20, 0.3, 2) * 3 + 5;
  const RidgeProblem problem(features, labels, 4);
  for (const double lambda : {1e-5, 1e-2, 10.0})
    CHECK(largest_gradient(features, labels, 4, lambda, problem.solve(lambda)) < 2e-6);
}

TEST_CASE("the solution has no gradient, with more features than samples") {
  const at::Tensor labels = test::random_labels(40, 3, 3), features = test::clouds(labels, 90, 0.3, 4);
  const RidgeProblem problem(features, labels, 3);
  for (const double lambda : {1e-3, 1.0})
    CHECK(largest_gradient(features, labels, 3, lambda, problem.solve(lambda)) < 2e-6);
}

TEST_CASE("two points on a line: the weights by hand") {
  // Features 0 and 2 standardise to -1 and 1; with targets ∓½ around their mean, w = ½/(1+λ).
  const RidgeProblem problem(at::tensor({0.f, 2.f}).view({2, 1}), at::tensor({0, 1}, at::kLong), 2);
  const RidgeModel model = problem.solve(0.25);
  CHECK(model.weights[0][1].item<float>() == doctest::Approx(0.4));
  CHECK(model.weights[0][0].item<float>() == doctest::Approx(-0.4));
  CHECK(model.bias[0].item<float>() == doctest::Approx(0.5));
  CHECK(problem.predict(model, at::tensor({-3.f, 5.f}).view({2, 1})).equal(at::tensor({0, 1}, at::kLong)));
}

TEST_CASE("separate clouds are told apart, also those that were not in the training part") {
  const at::Tensor labels = test::random_labels(400, 4, 5), others = test::random_labels(300, 4, 6);
  const RidgeProblem problem(test::clouds(labels, 30, 2, 7), labels, 4);
  CHECK(problem.predict(problem.solve(1e-2), test::clouds(others, 30, 2, 8)).equal(others));
}

TEST_CASE("a stronger penalty gives smaller weights") {
  const at::Tensor labels = test::random_labels(100, 2, 9), features = test::clouds(labels, 10, 1, 10);
  const RidgeProblem problem(features, labels, 2);
  CHECK(problem.solve(1).weights.norm().item<float>() < problem.solve(0.1).weights.norm().item<float>());
}

TEST_CASE("the grid is increasing and positive") {
  const auto grid = ridge_grid();
  CHECK(grid.size() == 13);
  CHECK(grid.front() == doctest::Approx(1e-5));
  CHECK(grid.back() == doctest::Approx(10));
  for (size_t i = 1; i < grid.size(); ++i) CHECK(grid[i] > grid[i - 1]);
}

TEST_CASE("features that are not finite are an error") {
  at::Tensor features = test::random_features(10, 3, 11);
  features[2][1] = std::numeric_limits<float>::quiet_NaN();
  const RidgeProblem problem(features, test::random_labels(10, 2, 12), 2);
  CHECK_THROWS_WITH_AS(problem.solve(1), doctest::Contains("finite"), Error);
}

TEST_CASE("features that nearly repeat one another are solved at the smallest penalty too") {
  const at::Tensor few = test::random_features(3000, 4, 13);
  const at::Tensor mixed =
      at::mm(few, test::random_features(4, 400, 14)) + 1e-7 * test::random_features(3000, 400, 15);
  const RidgeProblem problem(mixed, test::random_labels(3000, 3, 16), 3);
  CHECK(at::isfinite(problem.solve(ridge_grid().front()).weights).all().item<bool>());
}
