// Products with packed panels: the sums of the definition, whatever the sizes, strides and orders of the factors.
#include "d2v/nn/panel_product.h"

#include <cmath>
#include <vector>

#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

// A matrix with gaps between its rows, or between its columns where it is stored the other way round.
template <class T>
struct Stored {
  int64_t rows, columns;
  bool turned;
  int64_t stride;
  std::vector<T> values;

  Stored(int64_t rows_in, int64_t columns_in, bool turned_in, Philox& random)
      : rows(rows_in), columns(columns_in), turned(turned_in) {
    stride = (turned ? rows : columns) + random.below(5);
    values.resize(static_cast<size_t>(stride * (turned ? columns : rows)));
    for (T& value : values) value = static_cast<T>(random.uniform(-1, 1));
  }
  Matrix<T> view() const { return {values.data(), stride, turned}; }
  T at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(turned ? column * stride + row : row * stride + column)];
  }
};

struct ProductCase {
  int64_t m, n, k;
  bool turned_a, turned_b;
  double alpha, beta;
};

// The worst difference from sums in double; what lies between the rows of C must stay as it is.
template <class T>
double worst_error(const ProductCase& c, Philox& random) {
  const Stored<T> a(c.m, c.k, c.turned_a, random), b(c.k, c.n, c.turned_b, random);
  Stored<T> out(c.m, c.n, false, random);
  const Stored<T> before = out;
  std::vector<T> panels(static_cast<size_t>(product_kernels<T>().panel_size(c.k, c.n)), T(7));
  multiply(c.m, c.n, c.k, static_cast<T>(c.alpha), a.view(), b.view(), static_cast<T>(c.beta),
           out.values.data(), out.stride, panels.data());
  double worst = 0;
  for (int64_t row = 0; row < c.m; ++row) {
    for (int64_t column = 0; column < out.stride; ++column) {
      const auto at = static_cast<size_t>(row * out.stride + column);
      if (column >= c.n) {
        CHECK(out.values[at] == before.values[at]);
        continue;
      }
      double sum = 0;
      for (int64_t i = 0; i < c.k; ++i) sum += double(a.at(row, i)) * double(b.at(i, column));
      const double wanted = c.alpha * sum + c.beta * double(before.values[at]);
      worst = std::max(worst, std::abs(double(out.values[at]) - wanted));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("a product is the sum of its terms, for sizes around every edge of rows, panels and depth") {
  Philox random({.seed = 8});
  for (int i = 0; i < 120; ++i) {
    const ProductCase c{1 + random.below(40),
                        1 + random.below(70),
                        1 + random.below(i < 100 ? 80 : 600),
                        random.below(2) == 1,
                        random.below(2) == 1,
                        random.uniform(-2, 2),
                        i % 3 == 0   ? 0.0
                        : i % 3 == 1 ? 1.0
                                     : random.uniform(-1, 1)};
    CAPTURE(c.m);
    CAPTURE(c.n);
    CAPTURE(c.k);
    CAPTURE(c.turned_a);
    CAPTURE(c.turned_b);
    CHECK(worst_error<float>(c, random) < 2e-6 * static_cast<double>(c.k));
    CHECK(worst_error<double>(c, random) < 4e-15 * static_cast<double>(c.k));
  }
}

TEST_CASE("where beta is 0, C is not read") {
  const std::vector<float> a{1, 2}, b{3, 4};
  std::vector<float> c{std::nanf("")}, panels(static_cast<size_t>(product_kernels<float>().panel_size(2, 1)));
  multiply<float>(1, 1, 2, 1, {a.data(), 2}, {b.data(), 1}, 0, c.data(), 1, panels.data());
  CHECK(c[0] == 11);
}

TEST_CASE("rows may be cut into pieces: every row's bits are those that it has alone") {
  Philox random({.seed = 9});
  constexpr int64_t m = 29, n = 37, k = 300;
  const Stored<float> a(m, k, false, random), b(k, n, true, random);
  const ProductKernels<float>& kernels = product_kernels<float>();
  std::vector<float> panels(static_cast<size_t>(kernels.panel_size(k, n))), whole(m * n), single(n);
  kernels.pack(b.view(), k, n, panels.data());
  kernels.multiply(m, n, k, 1, a.view(), panels.data(), 0, whole.data(), n);
  for (int64_t row = 0; row < m; ++row) {
    kernels.multiply(1, n, k, 1, {a.values.data() + row * a.stride, a.stride}, panels.data(), 0,
                     single.data(), n);
    CHECK(std::equal(single.begin(), single.end(), whole.begin() + row * n));
  }
}
