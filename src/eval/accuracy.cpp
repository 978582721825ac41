#include "d2v/eval/accuracy.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

Interval wilson_interval(int64_t successes, int64_t trials) {
  if (trials == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(trials), share = static_cast<double>(successes) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Accuracy accuracy(const at::Tensor& predicted, const at::Tensor& labels, int64_t classes) {
  check(predicted.numel() == labels.numel(), "accuracy: {} predictions for {} labels", predicted.numel(),
        labels.numel());
  check(labels.numel() > 0, "accuracy: nothing to compare");
  const at::Tensor guess = predicted.to(at::kLong).contiguous(), truth = labels.to(at::kLong).contiguous();
  const int64_t* g = guess.const_data_ptr<int64_t>();
  const int64_t* t = truth.const_data_ptr<int64_t>();

  Accuracy result;
  result.n = truth.numel();
  std::vector<int64_t> seen(static_cast<size_t>(classes)), found(static_cast<size_t>(classes));
  for (int64_t i = 0; i < result.n; ++i) {
    check(t[i] >= 0 && t[i] < classes, "accuracy: label {} of sample {} is not in [0, {})", t[i], i, classes);
    ++seen[t[i]];
    if (g[i] == t[i]) ++found[t[i]], ++result.correct;
  }
  result.value = static_cast<double>(result.correct) / static_cast<double>(result.n);
  result.interval = wilson_interval(result.correct, result.n);
  int64_t occurring = 0;
  for (size_t c = 0; c < seen.size(); ++c) {
    if (seen[c] == 0) continue;
    ++occurring;
    result.balanced += static_cast<double>(found[c]) / static_cast<double>(seen[c]);
  }
  result.balanced /= static_cast<double>(occurring);
  return result;
}

}  // namespace d2v
