#include "d2v/eval/ridge.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

// aᵀ·b over many rows, in double: features that nearly repeat one another leave eigenvalues of the Gram matrix far below
// float's rounding of the large ones.
at::Tensor blocked_product(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor total = at::zeros({a.size(1), b.size(1)}, at::kDouble);
  constexpr int64_t step = 2048;
  for (int64_t i = 0; i < a.size(0); i += step) {
    const int64_t end = std::min(a.size(0), i + step);
    total.addmm_(a.slice(0, i, end).to(at::kDouble).t(), b.slice(0, i, end).to(at::kDouble));
  }
  return total;
}

}  // namespace

RidgeProblem::RidgeProblem(const at::Tensor& features, const at::Tensor& labels, int64_t classes,
                           ChannelScale scale)
    : standardize_(features, scale), samples_(features.size(0)), dual_(features.size(0) < features.size(1)) {
  check(labels.numel() == samples_, "ridge: {} labels for {} samples", labels.numel(), samples_);
  const double n = static_cast<double>(samples_);
  at::Tensor targets = at::one_hot(labels.to(at::kLong), classes).to(at::kFloat);
  const at::Tensor mean = targets.mean(0);
  bias_ = mean;
  targets -= mean;
  const at::Tensor x = standardize_(features);
  if (dual_) {
    const at::Tensor exact = x.to(at::kDouble);
    gram_ = at::mm(exact, exact.t()).div_(n);
    right_ = targets.to(at::kDouble) / n;
    inputs_ = x;
  } else {
    gram_ = blocked_product(x, x).div_(n);
    right_ = blocked_product(x, targets).div_(n);
  }
}

RidgeModel RidgeProblem::solve(double lambda) const {
  at::Tensor system = gram_.clone();
  system.diagonal().add_(lambda);
  auto [factor, info] = at::linalg_cholesky_ex(system);
  check(info.item<int>() == 0,
        "ridge: the features' Gram matrix is not positive definite at lambda {}; "
        "are all features finite?",
        lambda);
  at::Tensor solution = at::cholesky_solve(right_, factor);
  if (dual_) solution = at::mm(inputs_.to(at::kDouble).t(), solution);
  return {solution.to(at::kFloat), bias_};
}

at::Tensor RidgeProblem::scores(const RidgeModel& model, const at::Tensor& features) const {
  at::Tensor out = at::empty({features.size(0), model.bias.size(0)}, at::kFloat);
  constexpr int64_t step = 2048;
  for (int64_t i = 0; i < features.size(0); i += step) {
    const int64_t end = std::min(features.size(0), i + step);
    out.slice(0, i, end).copy_(at::addmm(model.bias, standardize_(features.slice(0, i, end)), model.weights));
  }
  return out;
}

at::Tensor RidgeProblem::predict(const RidgeModel& model, const at::Tensor& features) const {
  return scores(model, features).argmax(1);
}

std::vector<double> ridge_grid() {
  std::vector<double> grid;
  for (int step = -10; step <= 2; ++step) grid.push_back(std::pow(10.0, step / 2.0));
  return grid;
}

}  // namespace d2v
