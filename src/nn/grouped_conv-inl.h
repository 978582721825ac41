// Bodies of grouped_conv.h, compiled once per instruction set.
#include <algorithm>

#include "hwy/highway.h"

#if defined(D2V_GROUPED_CONV_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef D2V_GROUPED_CONV_INL
#undef D2V_GROUPED_CONV_INL
#else
#define D2V_GROUPED_CONV_INL
#endif

#include "d2v/nn/grouped_conv.h"

HWY_BEFORE_NAMESPACE();
namespace d2v {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A tile of accumulators: so many positions (or input channels) times two vectors of output channels.
constexpr int64_t tile_rows = 6;

template <class T>
int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
}

// Output channels of a group, rounded up to whole pairs of vectors or one vector.
template <class T>
int64_t padded_out(const ConvShape& shape) {
  return (shape.out + lanes<T>() - 1) / lanes<T>() * lanes<T>();
}

template <class T>
int64_t weight_size(const ConvShape& shape) {
  return shape.groups * shape.taps() * shape.in * padded_out<T>(shape);
}

template <class T>
int64_t padded_size(const ConvShape& shape) {
  return shape.padded_positions() * shape.groups * shape.in;
}

template <class T>
int64_t gradient_size(const ConvShape& shape) {
  return shape.positions() * shape.groups * shape.out + lanes<T>();
}

// Calls f(index in the weight tensor, index in the packed weights) for each weight.
template <class T, class F>
void for_weights(const ConvShape& shape, F&& f) {
  const int64_t taps = shape.taps(), out = padded_out<T>(shape);
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t o = 0; o < shape.out; ++o)
      for (int64_t i = 0; i < shape.in; ++i)
        for (int64_t t = 0; t < taps; ++t)
          f(((g * shape.out + o) * shape.in + i) * taps + t, ((g * taps + t) * shape.in + i) * out + o);
}

template <class T>
void pack(const ConvShape& shape, const T* weight, bool reversed, T* packed) {
  if (!reversed) {
    std::fill_n(packed, weight_size<T>(shape), T(0));
    for_weights<T>(shape, [&](int64_t from, int64_t to) { packed[to] = weight[from]; });
    return;
  }
  // Channels change places and taps run backwards.
  const ConvShape back = shape.reversed();
  const int64_t taps = shape.taps(), out = padded_out<T>(back);
  std::fill_n(packed, weight_size<T>(back), T(0));
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t o = 0; o < shape.out; ++o)
      for (int64_t i = 0; i < shape.in; ++i)
        for (int64_t t = 0; t < taps; ++t)
          packed[((g * taps + taps - 1 - t) * shape.out + o) * out + i] =
              weight[((g * shape.out + o) * shape.in + i) * taps + t];
}

template <class T>
void unpack_add(const ConvShape& shape, const T* packed, T* gradient) {
  for_weights<T>(shape, [&](int64_t to, int64_t from) { gradient[to] += packed[from]; });
}

template <class T>
void pad(const ConvShape& shape, const T* x, T* padded) {
  const int64_t channels = shape.groups * shape.in, row = shape.width * channels,
                stride = shape.padded_width() * channels;
  std::fill_n(padded, padded_size<T>(shape), T(0));
  for (int64_t y = 0; y < shape.height; ++y)
    std::copy_n(x + y * row, row,
                padded + (y + shape.before_height) * stride + shape.before_width * channels);
}

// Where the window of position p begins in the padded image.
HWY_INLINE int64_t window(const ConvShape& shape, int64_t p) {
  return (p / shape.width * shape.padded_width() + p % shape.width) * shape.groups * shape.in;
}

// Positions first … first + tile_rows - 1 (those behind the last are computed and dropped), V vectors of channels.
template <int V, class T>
HWY_INLINE void convolve_tile(const ConvShape& shape, const T* padded, const T* weights, const T* bias,
                              int64_t group, int64_t first, int64_t channel, T* y) {
  const hn::ScalableTag<T> d;
  const int64_t step = lanes<T>(), in = shape.in, channels = shape.groups * in, out = padded_out<T>(shape);
  const int64_t last = shape.positions() - 1;
  const T* rows[tile_rows];
  for (int64_t r = 0; r < tile_rows; ++r)
    rows[r] = padded + window(shape, std::min(first + r, last)) + group * in;
  hn::Vec<hn::ScalableTag<T>> sum[tile_rows][V];
  for (int64_t r = 0; r < tile_rows; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(d);
  const T* w = weights + group * shape.taps() * in * out + channel;
  for (int64_t ky = 0; ky < shape.kernel_height; ++ky) {
    for (int64_t kx = 0; kx < shape.kernel_width; ++kx) {
      const int64_t offset = (ky * shape.padded_width() + kx) * channels;
      for (int64_t i = 0; i < in; ++i, w += out) {
        hn::Vec<hn::ScalableTag<T>> column[V];
        for (int v = 0; v < V; ++v) column[v] = hn::LoadU(d, w + v * step);
        for (int64_t r = 0; r < tile_rows; ++r) {
          const auto x = hn::Set(d, rows[r][offset + i]);
          for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(x, column[v], sum[r][v]);
        }
      }
    }
  }
  const int64_t out_channels = shape.groups * shape.out;
  for (int v = 0; v < V; ++v) {
    const int64_t c = channel + v * step, left = std::min(step, shape.out - c);
    const auto mask = hn::FirstN(d, static_cast<size_t>(left));
    const auto start = bias ? hn::MaskedLoad(mask, d, bias + group * shape.out + c) : hn::Zero(d);
    for (int64_t r = 0; r < tile_rows && first + r <= last; ++r)
      hn::BlendedStore(hn::Add(sum[r][v], start), mask, d,
                       y + (first + r) * out_channels + group * shape.out + c);
  }
}

template <class T>
void convolve(const ConvShape& shape, const T* padded, const T* packed, const T* bias, T* y) {
  const int64_t step = lanes<T>(), out = padded_out<T>(shape);
  for (int64_t g = 0; g < shape.groups; ++g) {
    for (int64_t p = 0; p < shape.positions(); p += tile_rows) {
      int64_t c = 0;
      for (; c + 2 * step <= out; c += 2 * step) convolve_tile<2>(shape, padded, packed, bias, g, p, c, y);
      if (c < out) convolve_tile<1>(shape, padded, packed, bias, g, p, c, y);
    }
  }
}

// Input channels first … first + tile_rows - 1 of one tap.
template <int V, class T>
HWY_INLINE void gradient_tile(const ConvShape& shape, const T* padded, const T* y_gradient, int64_t offset,
                              int64_t rows, T* packed_gradient) {
  const hn::ScalableTag<T> d;
  const int64_t step = lanes<T>(), out = padded_out<T>(shape);
  hn::Vec<hn::ScalableTag<T>> sum[tile_rows][V];
  for (int64_t r = 0; r < tile_rows; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(d);
  const int64_t in_channels = shape.groups * shape.in, out_channels = shape.groups * shape.out;
  // Channels behind the last are read and dropped: they lie within the image or the room behind it.
  int64_t channel[tile_rows];
  for (int64_t r = 0; r < tile_rows; ++r) channel[r] = std::min(r, rows - 1);
  const T* dy = y_gradient;
  for (int64_t y = 0; y < shape.height; ++y) {
    const T* x = padded + y * shape.padded_width() * in_channels + offset;
    for (int64_t column = 0; column < shape.width; ++column, x += in_channels, dy += out_channels) {
      hn::Vec<hn::ScalableTag<T>> gradient[V];
      for (int v = 0; v < V; ++v) gradient[v] = hn::LoadU(d, dy + v * step);
      for (int64_t r = 0; r < tile_rows; ++r) {
        const auto value = hn::Set(d, x[channel[r]]);
        for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(value, gradient[v], sum[r][v]);
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int v = 0; v < V; ++v) {
      T* to = packed_gradient + r * out + v * step;
      hn::StoreU(hn::Add(hn::LoadU(d, to), sum[r][v]), d, to);
    }
}

template <class T>
void weight_gradient(const ConvShape& shape, const T* padded, const T* y_gradient, T* packed_gradient) {
  const int64_t step = lanes<T>(), out = padded_out<T>(shape), in = shape.in;
  for (int64_t g = 0; g < shape.groups; ++g) {
    for (int64_t t = 0; t < shape.taps(); ++t) {
      const int64_t tap = t / shape.kernel_width * shape.padded_width() + t % shape.kernel_width;
      for (int64_t i = 0; i < in; i += tile_rows) {
        const int64_t offset = tap * shape.groups * in + g * in + i, rows = std::min(tile_rows, in - i);
        T* to = packed_gradient + ((g * shape.taps() + t) * in + i) * out;
        const T* dy = y_gradient + g * shape.out;
        int64_t c = 0;
        for (; c + 2 * step <= out; c += 2 * step)
          gradient_tile<2>(shape, padded, dy + c, offset, rows, to + c);
        if (c < out) gradient_tile<1>(shape, padded, dy + c, offset, rows, to + c);
      }
    }
  }
}

template <class T>
const GroupedConv<T>& make_table() {
  static constexpr GroupedConv<T> table{weight_size<T>, padded_size<T>, gradient_size<T>, pack<T>,
                                        unpack_add<T>,  pad<T>,         convolve<T>,      weight_gradient<T>};
  return table;
}
const GroupedConv<float>& float_conv() { return make_table<float>(); }
const GroupedConv<double>& double_conv() { return make_table<double>(); }

}  // namespace HWY_NAMESPACE
}  // namespace d2v
HWY_AFTER_NAMESPACE();

#endif
