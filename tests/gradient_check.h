// Gradients against central differences in double.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "d2v/nn/aten.h"

namespace d2v::test {

inline at::Tensor random_double(at::IntArrayRef shape) { return at::randn(shape, at::kDouble); }

// max |gradient - difference| / max |difference| over all elements of all inputs, for a random weighted sum of f's
// output. f must be smooth at the inputs; they are float64.
inline double gradient_error(const std::function<at::Tensor(const std::vector<at::Tensor>&)>& f,
                             std::vector<at::Tensor> inputs) {
  constexpr double h = 1e-5;
  for (at::Tensor& x : inputs) x = x.detach().clone().requires_grad_(true);
  const at::Tensor output = f(inputs);
  const at::Tensor weight = at::randn_like(output.detach());
  (output * weight).sum().backward();

  double error = 0, largest = 1e-30;
  const at::NoGradGuard no_grad;
  for (const at::Tensor& x : inputs) {
    const at::Tensor gradient = x.grad().defined() ? x.grad() : at::zeros_like(x);
    const at::Tensor flat = x.view(-1), flat_gradient = gradient.reshape(-1);
    for (int64_t i = 0; i < flat.size(0); ++i) {
      const double origin = flat[i].item<double>();
      const auto value_at = [&](double v) {
        flat[i].fill_(v);
        return (f(inputs) * weight).sum().item<double>();
      };
      const double difference = (value_at(origin + h) - value_at(origin - h)) / (2 * h);
      flat[i].fill_(origin);
      error = std::max(error, std::abs(difference - flat_gradient[i].item<double>()));
      largest = std::max(largest, std::abs(difference));
    }
  }
  return error / largest;
}

}  // namespace d2v::test
