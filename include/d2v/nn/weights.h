// Weights of one network as the tensors that its operations read: views of flat arenas, by name.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "d2v/nn/parameters.h"

namespace d2v {

// Where the values of a network live. In an fp32 model `low` and `full` are the same arena; in a bf16 model `low` is
// the bf16 copy, and parameters marked fp32 (norms, scales, positions) are read from `full`.
struct WeightArenas {
  at::Tensor full;           // fp32, the master copy
  at::Tensor low;            // fp32 or bf16
  at::Tensor full_gradient;  // undefined for a network that is not trained
  at::Tensor low_gradient;
};

// Looks up weights below a prefix. Leaves of a trained network require gradients, and accumulate them into the
// gradient arenas. Cheap to copy.
class Weights {
 public:
  Weights(const ParameterLayout& layout, const WeightArenas& arenas, std::string prefix = "");

  // Throws Error when the layout has no such name. Undefined where the network has no such weight: a teacher's arena
  // ends before what only the student has.
  at::Tensor operator[](const std::string& name) const;
  // Undefined tensor when there is none.
  at::Tensor optional(const std::string& name) const;
  Weights below(const std::string& prefix) const;

 private:
  at::Tensor leaf(const Parameter& parameter) const;

  const ParameterLayout* layout_;
  const WeightArenas* arenas_;
  std::string prefix_;
};

}  // namespace d2v
