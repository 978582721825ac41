// Made-up features for the tests of probes.
#pragma once

#include <span>

#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"

namespace d2v::test {

// (rows, columns) of N(0, 1), a function of the arguments alone.
inline at::Tensor random_features(int64_t rows, int64_t columns, uint64_t seed) {
  at::Tensor out = at::empty({rows, columns}, at::kFloat);
  Philox({.seed = seed}).fill_normal({out.mutable_data_ptr<float>(), static_cast<size_t>(out.numel())}, 0, 1);
  return out;
}

// (n) classes, drawn evenly.
inline at::Tensor random_labels(int64_t n, int64_t classes, uint64_t seed) {
  at::Tensor out = at::empty({n}, at::kLong);
  Philox numbers({.seed = seed, .sample = 1});
  for (int64_t i = 0; i < n; ++i)
    out.mutable_data_ptr<int64_t>()[i] = numbers.below(static_cast<uint32_t>(classes));
  return out;
}

// Features whose classes are clouds around random centres `distance` deviations apart.
inline at::Tensor clouds(const at::Tensor& labels, int64_t columns, double distance, uint64_t seed) {
  const int64_t classes = labels.max().item<int64_t>() + 1;
  const at::Tensor centres = random_features(classes, columns, 1000) * distance;
  return centres.index({labels}) + random_features(labels.size(0), columns, seed);
}

}  // namespace d2v::test
