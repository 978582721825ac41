// Errors of replayed tensors against recorded ones, with the tolerances of golden/README.md.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace d2v::golden {

// How far a tensor is off: max |difference| / max |recorded|; in low precision, where single elements scatter,
// rms(difference) / rms(recorded).
struct Deviation {
  std::string name;
  double error = 0;
  double tolerance = 0;
};

class Comparison {
 public:
  explicit Comparison(bool low_precision) : low_precision_(low_precision) {}

  // Adds one tensor; shapes must agree (an error of infinity otherwise). The key part of a qkv bias (or k_proj.bias) has a gradient of
  // exactly zero in theory and rounding noise in practice: it is left out of gradients and trained values.
  void add(const std::string& name, at::Tensor replayed, at::Tensor recorded);
  void add_scalar(const std::string& name, double replayed, double recorded);

  // Stages in the order of the computation, so that the first wrong one stands first.
  const std::vector<Deviation>& deviations() const { return deviations_; }
  bool passed() const;
  // One line per group of names (stage, grad, after.param, …): count, worst error, its tolerance and name.
  std::string table() const;

 private:
  double tolerance_of(const std::string& name) const;

  bool low_precision_;
  std::vector<Deviation> deviations_;
};

}  // namespace d2v::golden
