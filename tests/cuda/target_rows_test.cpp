// Targets of a row and of a channel against the formula in double.
#include "d2v/cuda/target_rows.h"

#include <cmath>

#include "teams.h"

#include "doctest.h"

namespace d2v {
namespace {

using Values = std::vector<double>;

Values normalised(const Values& x) {
  double mean = 0, variance = 0;
  for (double v : x) mean += v / static_cast<double>(x.size());
  for (double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Values out;
  for (double v : x) out.push_back((v - mean) / std::sqrt(variance + 1e-5));
  return out;
}

// `layers` samples of shape (2, positions + 1, width), whose first row of each sample is an extra token to be left out.
struct Layers {
  int count;
  int64_t positions, width;
  std::vector<std::vector<float>> values{};

  Layers(int n, int64_t t, int64_t d) : count(n), positions(t), width(d) {
    for (int k = 0; k < n; ++k)
      values.push_back(test::random_values(static_cast<size_t>(2 * (t + 1) * d), 10 + k, 1.5f));
  }
  TargetLayers<float> view() const {
    TargetLayers<float> out{};
    for (int k = 0; k < count; ++k) out.layer[k] = values[static_cast<size_t>(k)].data() + width;
    out.count = count;
    out.sample_stride = (positions + 1) * width;
    out.row_stride = width;
    return out;
  }
  double at(int k, int64_t b, int64_t t, int64_t d) const {
    return values[static_cast<size_t>(k)][static_cast<size_t>((b * (positions + 1) + t + 1) * width + d)];
  }
};

TEST_CASE("a row is the mean of its layers, normalised before and behind as asked") {
  const Layers layers(3, 4, 37);
  for (const TargetNorm each : {TargetNorm::none, TargetNorm::layer}) {
    for (const TargetNorm last : {TargetNorm::none, TargetNorm::layer}) {
      Values want(37, 0.0);
      for (int k = 0; k < 3; ++k) {
        Values x;
        for (int64_t d = 0; d < 37; ++d) x.push_back(layers.at(k, 1, 2, d));
        if (each == TargetNorm::layer) x = normalised(x);
        for (size_t d = 0; d < x.size(); ++d) want[d] += x[d] / 3;
      }
      if (last == TargetNorm::layer) want = normalised(want);
      std::vector<float> have(37);
      test::as_pair(
          [&](const auto& team) { target_row(team, layers.view(), 1, 2, each, last, 37, have.data()); });
      for (size_t d = 0; d < have.size(); ++d) CHECK(std::abs(have[d] - want[d]) < 2e-5);
    }
  }
}

TEST_CASE("a channel is normalised over its positions") {
  const Layers layers(2, 11, 5);
  for (const bool last : {false, true}) {
    Values want(11, 0.0);
    for (int k = 0; k < 2; ++k) {
      Values x;
      for (int64_t t = 0; t < 11; ++t) x.push_back(layers.at(k, 1, t, 3));
      x = normalised(x);
      for (size_t t = 0; t < x.size(); ++t) want[t] += x[t] / 2;
    }
    if (last) want = normalised(want);
    std::vector<float> have(11 * 5);
    test::as_pair(
        [&](const auto& team) { target_channel(team, layers.view(), 1, 3, last, 11, 5, have.data() + 3); });
    for (size_t t = 0; t < 11; ++t) CHECK(std::abs(have[t * 5 + 3] - want[t]) < 2e-5);
  }
}

}  // namespace
}  // namespace d2v
