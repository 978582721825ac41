// How well predicted classes agree with the true ones, and how sure one can be of it.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace d2v {

struct Interval {
  double low = 0, high = 0;
  bool overlaps(const Interval& other) const { return low <= other.high && other.low <= high; }
};

// Wilson's score interval of a share, 95 % two-sided (Wilson, "Probable inference", JASA 1927):
// the interval behind every accuracy that this program reports. All of [0, 1] when there are no trials.
Interval wilson_interval(int64_t successes, int64_t trials);

struct Accuracy {
  int64_t n = 0;  // predictions
  int64_t correct = 0;
  double value = 0;     // correct / n
  Interval interval;    // of `value`, 95 %
  double balanced = 0;  // mean over the classes that occur of the share found of each
};

// predicted, labels: (n) int64, labels in [0, classes). Throws Error when the lengths differ, a label is out of
// range, or n is 0.
Accuracy accuracy(const at::Tensor& predicted, const at::Tensor& labels, int64_t classes);

}  // namespace d2v
