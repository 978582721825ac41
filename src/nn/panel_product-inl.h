// Bodies of panel_product.h, compiled once per instruction set.
#include <algorithm>

#include "hwy/highway.h"

#if defined(D2V_PANEL_PRODUCT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_PANEL_PRODUCT_INL
#undef D2V_PANEL_PRODUCT_INL
#else
#define D2V_PANEL_PRODUCT_INL
#endif

#include "d2v/nn/panel_product.h"

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums of this many rows by two vectors stay in registers: 12 of 16, or 24 of AVX-512's 32.
constexpr int kRowsAtOnce = HWY_TARGET <= HWY_AVX3 ? 12 : 6;
// Rows of a panel that are read in one go: with the rows of A they fill half of a first-level cache.
constexpr int64_t kDepthAtOnce = 256;

// One product for all instantiations below.
template <class T>
struct Product {
  T alpha, beta;
  T* c;
  int64_t ldc;
};

template <class D, class T>
HWY_INLINE void put(D d, hn::Vec<D> low, hn::Vec<D> high, T alpha, T beta, int64_t columns, T* c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, alpha), kept = hn::Set(d, beta);
  low = hn::Mul(low, factor);
  high = hn::Mul(high, factor);
  if (columns == 2 * lanes) {
    if (beta != 0) {
      low = hn::MulAdd(kept, hn::LoadU(d, c), low);
      high = hn::MulAdd(kept, hn::LoadU(d, c + lanes), high);
    }
    hn::StoreU(low, d, c);
    hn::StoreU(high, d, c + lanes);
    return;
  }
  HWY_ALIGN T buffer[2 * HWY_LANES(T)];
  hn::Store(low, d, buffer);
  hn::Store(high, d, buffer + lanes);
  for (int64_t i = 0; i < columns; ++i) c[i] = beta != 0 ? buffer[i] + beta * c[i] : buffer[i];
}

// kRows rows of C by `columns` of one panel. `a` is at the first of its rows; element (r, i) of A lies at r·row_step + i·step.
template <class T, int kRows>
HWY_INLINE void rows_by_panel(int64_t depth, const T* a, int64_t row_step, int64_t step, const T* panel,
                              const Product<T>& product, int64_t columns, T* c) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> low[kRows], high[kRows];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = hn::Zero(d);
  for (int64_t i = 0; i < depth; ++i, a += step, panel += 2 * lanes) {
    const auto left = hn::LoadU(d, panel), right = hn::LoadU(d, panel + lanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const auto x = hn::Set(d, a[r * row_step]);
      low[r] = hn::MulAdd(x, left, low[r]);
      high[r] = hn::MulAdd(x, right, high[r]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r)
    put(d, low[r], high[r], product.alpha, product.beta, columns, c + r * product.ldc);
}

// The last rows, fewer than kRowsAtOnce.
template <class T, int kRows>
HWY_INLINE void last_rows(int64_t rows, int64_t depth, const T* a, int64_t row_step, int64_t step,
                          const T* panel, const Product<T>& product, int64_t columns, T* c) {
  if constexpr (kRows > 0) {
    if (rows == kRows) return rows_by_panel<T, kRows>(depth, a, row_step, step, panel, product, columns, c);
    last_rows<T, kRows - 1>(rows, depth, a, row_step, step, panel, product, columns, c);
  }
}

// The rows of A lie side by side in memory: each panel is read while it is near, by all rows.
template <class T>
void multiply_by_panels(int64_t m, int64_t n, int64_t depth, const Matrix<T>& a, const T* panels,
                        int64_t panel_step, const Product<T>& product) {
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t column = 0; column < n; column += width, panels += panel_step) {
    const int64_t columns = std::min(width, n - column);
    int64_t row = 0;
    for (; row + kRowsAtOnce <= m; row += kRowsAtOnce)
      rows_by_panel<T, kRowsAtOnce>(depth, a.data + row * a.stride, a.stride, 1, panels, product, columns,
                                    product.c + row * product.ldc + column);
    last_rows<T, kRowsAtOnce - 1>(m - row, depth, a.data + row * a.stride, a.stride, 1, panels, product,
                                  columns, product.c + row * product.ldc + column);
  }
}

// The rows of A are columns in memory, whose elements would push each other out of the cache: a few of them are copied
// together, then they meet all panels.
template <class T>
void multiply_by_rows(int64_t m, int64_t n, int64_t depth, const Matrix<T>& a, const T* panels,
                      int64_t panel_step, const Product<T>& product) {
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  HWY_ALIGN T near[kDepthAtOnce * kRowsAtOnce];
  for (int64_t row = 0; row < m; row += kRowsAtOnce) {
    const int64_t rows = std::min<int64_t>(kRowsAtOnce, m - row);
    if (rows == kRowsAtOnce) {
      for (int64_t i = 0; i < depth; ++i)
        std::copy_n(a.data + i * a.stride + row, kRowsAtOnce, near + i * kRowsAtOnce);
    } else {
      for (int64_t i = 0; i < depth; ++i)
        std::copy_n(a.data + i * a.stride + row, rows, near + i * kRowsAtOnce);
    }
    const T* panel = panels;
    for (int64_t column = 0; column < n; column += width, panel += panel_step) {
      const int64_t columns = std::min(width, n - column);
      T* c = product.c + row * product.ldc + column;
      if (rows == kRowsAtOnce)
        rows_by_panel<T, kRowsAtOnce>(depth, near, 1, kRowsAtOnce, panel, product, columns, c);
      else
        last_rows<T, kRowsAtOnce - 1>(rows, depth, near, 1, kRowsAtOnce, panel, product, columns, c);
    }
  }
}

template <class T>
void multiply_panels(int64_t m, int64_t n, int64_t k, T alpha, const Matrix<T>& a, const T* panels, T beta,
                     T* c, int64_t ldc) {
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t first = 0; first < k; first += kDepthAtOnce) {
    const int64_t depth = std::min(kDepthAtOnce, k - first);
    const Product<T> product{alpha, first == 0 ? beta : T(1), c, ldc};
    const T* part = panels + first * width;
    if (a.transposed)
      multiply_by_rows(m, n, depth, {a.data + first * a.stride, a.stride, true}, part, k * width, product);
    else
      multiply_by_panels(m, n, depth, {a.data + first, a.stride}, part, k * width, product);
  }
}

// Of a matrix that is stored the other way round so many elements of each column go into a panel at a time: a corner that
// stays in the cache.
constexpr int64_t kTurnedAtOnce = 16;

template <class T>
void pack_panels(const Matrix<T>& b, int64_t k, int64_t n, T* panels) {
  const int64_t width = 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t column = 0; column < n; column += width, panels += width * k) {
    const int64_t columns = std::min(width, n - column);
    if (b.transposed) {
      const T* from = b.data + column * b.stride;
      for (int64_t first = 0; first < k; first += kTurnedAtOnce) {
        const int64_t last = std::min(first + kTurnedAtOnce, k);
        for (int64_t j = 0; j < columns; ++j)
          for (int64_t i = first; i < last; ++i) panels[i * width + j] = from[j * b.stride + i];
      }
    } else {
      const T* from = b.data + column;
      for (int64_t i = 0; i < k; ++i) std::copy_n(from + i * b.stride, columns, panels + i * width);
    }
    if (columns == width) continue;
    for (int64_t i = 0; i < k; ++i) std::fill_n(panels + i * width + columns, width - columns, T(0));
  }
}

template <class T>
const ProductKernels<T>& make_product_table() {
  static const ProductKernels<T> table{
      .panel_width = 2 * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())),
      .pack = pack_panels<T>,
      .multiply = multiply_panels<T>};
  return table;
}
const ProductKernels<float>& float_products() { return make_product_table<float>(); }
const ProductKernels<double>& double_products() { return make_product_table<double>(); }

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
