// LayerNorm of a row with bias, GELU and residuals, against the formulas in double, and its gradient against
// differences. Rows are shared by two threads as well as done by one.
#include "d2v/cuda/norm_rows.h"

#include <cmath>

#include "teams.h"

#include "doctest.h"

namespace d2v {
namespace {

double exact_gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

struct Case {
  int64_t width;
  bool residual, affine, activate, added;
  std::vector<float> x = test::random_values(width, 1, 2), r = test::random_values(width, 2),
                     w = test::random_values(width, 3), s = test::random_values(width, 4),
                     a = test::random_values(width, 5);

  std::vector<double> expected(const std::vector<double>& input) const {
    double mean = 0, variance = 0;
    for (double v : input) mean += v / static_cast<double>(width);
    for (double v : input) variance += (v - mean) * (v - mean) / static_cast<double>(width);
    std::vector<double> out;
    for (size_t i = 0; i < input.size(); ++i) {
      double y = (input[i] - mean) / std::sqrt(variance + 1e-5);
      if (affine) y = y * w[i] + s[i];
      if (activate) y = exact_gelu(y);
      out.push_back(added ? y + a[i] : y);
    }
    return out;
  }
  std::vector<double> input() const {
    std::vector<double> out(x.begin(), x.end());
    for (size_t i = 0; residual && i < out.size(); ++i) out[i] += r[i];
    return out;
  }
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const int64_t width : {2, 5, 64, 193})
    for (int bits = 0; bits < 16; ++bits)
      out.push_back({width, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
  return out;
}

struct Result {
  std::vector<float> y, normalised;
  float rstd = 0;
};
Result run(const Case& c, bool pair) {
  Result out{std::vector<float>(c.x.size()), std::vector<float>(c.x.size())};
  const NormRow<float> row{c.x.data(),
                           c.residual ? c.r.data() : nullptr,
                           c.affine ? c.w.data() : nullptr,
                           c.affine ? c.s.data() : nullptr,
                           c.added ? c.a.data() : nullptr,
                           out.y.data(),
                           out.normalised.data(),
                           &out.rstd,
                           1e-5f,
                           c.activate};
  if (pair)
    test::as_pair([&](const auto& team) { norm_row(team, row, c.width); });
  else
    norm_row(Alone{}, row, c.width);
  return out;
}

TEST_CASE("gelu and its slope have float accuracy") {
  for (double x = -9; x <= 9; x += 0.0137) {
    CAPTURE(x);
    const float f = static_cast<float>(x);
    CHECK(gelu(f) == doctest::Approx(exact_gelu(f)).epsilon(2e-6));
    const double h = 1e-5, slope = (exact_gelu(f + h) - exact_gelu(f - h)) / (2 * h);
    CHECK(std::abs(gelu_slope(f) - slope) < 1e-6);
  }
}

TEST_CASE("a normalised row is that of the formula, by one member or two") {
  for (const Case& c : cases()) {
    CAPTURE(c.width);
    const std::vector<double> want = c.expected(c.input());
    for (const bool pair : {false, true}) {
      const Result have = run(c, pair);
      for (size_t i = 0; i < want.size(); ++i) CHECK(std::abs(have.y[i] - want[i]) < 2e-5);
    }
  }
}

TEST_CASE("the gradient of a row is that of differences") {
  for (const Case& c : cases()) {
    if (c.width < 5) continue;  // of two elements, the norm is ±1: differences say nothing
    CAPTURE(c.width);
    const Result forward = run(c, false);
    const std::vector<float> dy = test::random_values(c.x.size(), 6);
    std::vector<float> dx(c.x.size());
    const NormRowBackward<float> row{dy.data(),
                                     forward.normalised.data(),
                                     forward.rstd,
                                     c.affine ? c.w.data() : nullptr,
                                     c.affine ? c.s.data() : nullptr,
                                     dx.data(),
                                     c.activate};
    test::as_pair([&](const auto& team) { norm_row_backward(team, row, c.width); });
    const auto loss = [&](const std::vector<double>& input) {
      double sum = 0;
      const std::vector<double> y = c.expected(input);
      for (size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
      return sum;
    };
    for (size_t i = 0; i < dx.size(); i += 3) {
      std::vector<double> above = c.input(), below = above;
      above[i] += 1e-4;
      below[i] -= 1e-4;
      CHECK(std::abs(dx[i] - (loss(above) - loss(below)) / 2e-4) < 2e-4);
    }
  }
}

}  // namespace
}  // namespace d2v
