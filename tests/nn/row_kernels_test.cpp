#include "d2v/nn/row_kernels.h"

#include <array>
#include <cmath>
#include <vector>

#include "doctest.h"

using namespace d2v;

namespace {

double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

// Largest error of gelu at x in [-range, range], relative to the exact value.
template <class T>
double worst_gelu(double range) {
  std::vector<T> x, y;
  for (int i = -4001; i <= 4001; ++i) x.push_back(static_cast<T>(range * i / 4001.0));
  y.resize(x.size());
  row_kernels<T>().gelu_residual(x.data(), nullptr, y.data(), static_cast<int64_t>(x.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double exact = exact_gelu(static_cast<double>(x[i]));
    if (exact != 0) worst = std::max(worst, std::abs(static_cast<double>(y[i]) / exact - 1));
  }
  return worst;
}

}  // namespace

TEST_CASE("gelu keeps its relative accuracy into the lower tail") {
  CHECK(worst_gelu<float>(2) < 5e-7);
  CHECK(worst_gelu<float>(5) < 2e-6);
  CHECK(worst_gelu<double>(5) < 2e-8);
}

TEST_CASE("the slope of gelu is that of its values") {
  for (const double x : {-6.0, -1.3, -0.2, 0.0, 0.7, 3.0}) {
    CAPTURE(x);
    const std::vector<double> at{x};
    std::vector<double> value(1), slope{1};
    row_kernels<double>().gelu_backward(at.data(), value.data(), slope.data(), 1);
    CHECK(value[0] == doctest::Approx(exact_gelu(x)).epsilon(1e-7));
    const double step = 1e-5, expected = (exact_gelu(x + step) - exact_gelu(x - step)) / (2 * step);
    CHECK(std::abs(slope[0] - expected) < 1e-7);
  }
}

TEST_CASE("a softmax row of any width adds up to 1, also far from 0") {
  for (int64_t width : {1, 2, 3, 7, 8, 9, 31, 65}) {
    CAPTURE(width);
    std::vector<float> row(static_cast<size_t>(width));
    for (size_t i = 0; i < row.size(); ++i) row[i] = -500.0f + 0.25f * static_cast<float>(i);
    row_kernels<float>().softmax_rows(row.data(), {}, 1, width);
    double sum = 0;
    for (const float p : row) sum += p;
    CHECK(sum == doctest::Approx(1).epsilon(1e-6));
    if (width > 1) CHECK(row[1] / row[0] == doctest::Approx(std::exp(0.25)).epsilon(1e-5));
  }
}

namespace {
// Drops numbers 1, 2, … by bits that fall below, at and above the threshold.
template <class T>
void check_drop(int64_t count) {
  const uint32_t threshold = 0x80000001u;
  std::vector<uint32_t> bits;
  std::vector<T> x, expected;
  for (int64_t i = 0; i < count; ++i) {
    bits.push_back(std::array<uint32_t, 5>{0, threshold, UINT32_MAX, threshold - 1, 0x7fffffffu}[i % 5]);
    x.push_back(static_cast<T>(i + 1));
    expected.push_back(bits.back() < threshold ? 0 : x.back() * T(1.25));
  }
  row_kernels<T>().drop(bits.data(), threshold, T(1.25), x.data(), count);
  CHECK(x == expected);
}
}  // namespace

TEST_CASE("an element is dropped where its bits are below the threshold, without regard to a sign") {
  for (const int64_t count : {0, 1, 3, 7, 8, 9, 16, 31, 64, 65}) {
    CAPTURE(count);
    check_drop<float>(count);
    check_drop<double>(count);
  }
}
