// Convolution with few channels per group on token-major images, one image at a time: what the libraries are slow at.
// SIMD by Highway, chosen at run time; for float and double.
#pragma once

#include <cstdint>

namespace d2v {

// Stride 1, output of the input's size: `before` zeros in front of each axis and kernel - 1 - before behind it.
struct ConvShape {
  int64_t height, width;
  int64_t kernel_height, kernel_width;
  int64_t before_height, before_width;
  int64_t groups, in, out;  // channels per group

  int64_t positions() const { return height * width; }
  int64_t taps() const { return kernel_height * kernel_width; }
  int64_t padded_width() const { return width + kernel_width - 1; }
  int64_t padded_positions() const { return (height + kernel_height - 1) * padded_width(); }
  // The convolution that maps gradients of the output to those of the input.
  ConvShape reversed() const {
    return {height,
            width,
            kernel_height,
            kernel_width,
            kernel_height - 1 - before_height,
            kernel_width - 1 - before_width,
            groups,
            out,
            in};
  }
};

template <class T>
struct GroupedConv {
  // Elements of packed weights, of a padded image (with room behind it that is read but not used) and of an image of
  // output gradients.
  int64_t (*weight_size)(const ConvShape& shape);
  int64_t (*padded_size)(const ConvShape& shape);
  int64_t (*gradient_size)(const ConvShape& shape);

  // weight (groups·out, in, kernel_height, kernel_width) as `convolve` reads it; for `reversed`, as the convolution of
  // shape.reversed() reads it.
  void (*pack)(const ConvShape& shape, const T* weight, bool reversed, T* packed);
  // Adds packed gradients to gradients of the weight's own layout.
  void (*unpack_add)(const ConvShape& shape, const T* packed, T* gradient);

  // (T, groups·in) → padded, zeros around it. Rows of x are `groups·in` apart.
  void (*pad)(const ConvShape& shape, const T* x, T* padded);
  // y (T, groups·out) = bias (null: 0) + convolution.
  void (*convolve)(const ConvShape& shape, const T* padded, const T* packed, const T* bias, T* y);
  // packed_gradient += gradient of the packed weights. `y_gradient` (T, groups·out) has gradient_size() elements.
  void (*weight_gradient)(const ConvShape& shape, const T* padded, const T* y_gradient, T* packed_gradient);
};

template <class T>
const GroupedConv<T>& grouped_conv();

}  // namespace d2v
