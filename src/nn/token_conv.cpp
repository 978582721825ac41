#include "d2v/nn/token_conv.h"

#include <algorithm>

#include "d2v/nn/gemm.h"

namespace d2v {

namespace {

// Taps `tap` … `tap + taps - 1` at outputs first … first + count - 1, whose inputs lie within x: for output `first` they
// begin at row `input` of x.
struct TapRange {
  int64_t tap, taps, first, count, input;
};

// Calls f for all of them; the first covers every output. With a stride as many taps as it has go together: the rows
// that they read at all outputs are those of a matrix whose rows do not overlap.
template <class F>
void for_taps(const TokenConv& shape, F&& f) {
  const int64_t together = shape.before > 0 ? 1 : shape.stride;
  const auto call = [&](int64_t tap) {
    const int64_t taps = std::min(together, shape.kernel - tap), shift = tap - shape.before,
                  first = std::max<int64_t>(0, -shift),
                  last = std::min(shape.outputs - 1, (shape.length - taps - shift) / shape.stride);
    if (shape.length - taps - shift >= 0 && last >= first)
      f(TapRange{tap, taps, first, last - first + 1, first * shape.stride + shift});
  };
  call(shape.before);  // no shift
  for (int64_t tap = 0; tap < shape.kernel; tap += together)
    if (tap != shape.before) call(tap);
}

// Calls f(row of x, place in the columns, rows) for the run of taps of output i that lies within x.
template <class F>
void for_window(const TokenConv& shape, int64_t i, F&& f) {
  const int64_t t = shape.rows ? shape.rows[i] : i, start = t * shape.stride - shape.before,
                from = std::max<int64_t>(0, -start), to = std::min(shape.kernel, shape.length - start);
  if (to > from) f((start + from) * shape.in, (i * shape.kernel + from) * shape.in, (to - from) * shape.in);
}

template <class T>
void unfold(const TokenConv& shape, const T* x, T* columns) {
  if (shape.before > 0) std::fill_n(columns, shape.columns_size(), T(0));
  for (int64_t i = 0; i < shape.size(); ++i)
    for_window(shape, i,
               [&](int64_t from, int64_t to, int64_t count) { std::copy_n(x + from, count, columns + to); });
}

template <class T>
void fold_add(const TokenConv& shape, const T* columns, T* x) {
  for (int64_t i = 0; i < shape.size(); ++i)
    for_window(shape, i, [&](int64_t to, int64_t from, int64_t count) {
      for (int64_t c = 0; c < count; ++c) x[to + c] += columns[from + c];
    });
}

}  // namespace

template <class T>
void token_conv(const TokenConv& shape, const T* x, const T* weight, T* y, T* columns) {
  const int64_t width = shape.kernel * shape.in, out = shape.out;
  if (shape.unfolds()) {
    unfold(shape, x, columns);
    gemm(shape.size(), out, width, T(1), Matrix<T>{columns, width}, transposed(weight, width), T(0), y, out);
    return;
  }
  bool begun = false;
  for_taps(shape, [&](const TapRange& r) {
    gemm(r.count, out, r.taps * shape.in, T(1), Matrix<T>{x + r.input * shape.in, shape.stride * shape.in},
         transposed(weight + r.tap * shape.in, width), begun ? T(1) : T(0), y + r.first * out, out);
    begun = true;
  });
}

template <class T>
void token_conv_input_gradient(const TokenConv& shape, const T* y_gradient, const T* weight, T* x_gradient,
                               T* columns) {
  const int64_t width = shape.kernel * shape.in, out = shape.out;
  if (shape.unfolds()) {
    gemm(shape.size(), width, out, T(1), Matrix<T>{y_gradient, out}, Matrix<T>{weight, width}, T(0), columns,
         width);
    fold_add(shape, columns, x_gradient);
    return;
  }
  for_taps(shape, [&](const TapRange& r) {
    gemm(r.count, r.taps * shape.in, out, T(1), Matrix<T>{y_gradient + r.first * out, out},
         Matrix<T>{weight + r.tap * shape.in, width}, T(1), x_gradient + r.input * shape.in,
         shape.stride * shape.in);
  });
}

template <class T>
void token_conv_weight_gradient(const TokenConv& shape, const T* x, const T* y_gradient, T* weight_gradient,
                                T* columns) {
  const int64_t width = shape.kernel * shape.in, out = shape.out;
  if (shape.unfolds()) {
    unfold(shape, x, columns);
    gemm(out, width, shape.size(), T(1), transposed(y_gradient, out), Matrix<T>{columns, width}, T(1),
         weight_gradient, width);
    return;
  }
  for_taps(shape, [&](const TapRange& r) {
    gemm(out, r.taps * shape.in, r.count, T(1), transposed(y_gradient + r.first * out, out),
         Matrix<T>{x + r.input * shape.in, shape.stride * shape.in}, T(1), weight_gradient + r.tap * shape.in,
         width);
  });
}

#define D2V_TOKEN_CONV(T)                                                                   \
  template void token_conv<T>(const TokenConv&, const T*, const T*, T*, T*);                \
  template void token_conv_input_gradient<T>(const TokenConv&, const T*, const T*, T*, T*); \
  template void token_conv_weight_gradient<T>(const TokenConv&, const T*, const T*, T*, T*);
D2V_TOKEN_CONV(float)
D2V_TOKEN_CONV(double)
#undef D2V_TOKEN_CONV

}  // namespace d2v
