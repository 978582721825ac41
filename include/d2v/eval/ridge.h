// The linear probe: ridge regression on one-hot targets, solved in closed form.
//
// With standardised features X (n, d), one-hot targets Y (n, C) and their mean ȳ it minimises
//   |X·W + 1·ȳ - Y|² / n + λ·|W|²
// so λ does not depend on the number of samples. The bias is not penalised; because X has zero mean it is ȳ.
// Where n < d the dual form X·Xᵀ is solved, so the cost is that of min(n, d).
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/eval/standardize.h"

namespace d2v {

struct RidgeModel {
  at::Tensor weights;  // (d, C) float32, for standardised features
  at::Tensor bias;     // (C) float32
};

class RidgeProblem {
 public:
  // features: (n, d) float32; labels: (n) int64 in [0, classes). Accumulates the Gram matrix in double: the one
  // pass over the data that all values of λ share.
  RidgeProblem(const at::Tensor& features, const at::Tensor& labels, int64_t classes,
               ChannelScale scale = ChannelScale::each);

  // One Cholesky factorisation of min(n, d)³/3 operations, in double. lambda > 0. Throws Error when the matrix is
  // not positive definite, which says that features are not finite.
  RidgeModel solve(double lambda) const;

  // Scores (m, C) of features (m, d) that were not standardised; the class is their argmax.
  at::Tensor scores(const RidgeModel& model, const at::Tensor& features) const;
  at::Tensor predict(const RidgeModel& model, const at::Tensor& features) const;

 private:
  Standardizer standardize_;
  int64_t samples_ = 0;
  bool dual_ = false;
  at::Tensor gram_;    // (d, d) or, dual, (n, n): double, divided by n
  at::Tensor right_;   // Xᵀ(Y-ȳ)/n (d, C) or, dual, (Y-ȳ)/n (n, C)
  at::Tensor inputs_;  // dual only: X
  at::Tensor bias_;    // ȳ
};

// The values of λ that a validation set chooses from: 10^-5, 10^-4.5, …, 10^1.
std::vector<double> ridge_grid();

}  // namespace d2v
