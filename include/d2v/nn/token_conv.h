// Convolution over time of one group as matrix products on the tokens themselves: output t reads rows of x that lie next
// to each other in memory, so nothing is unfolded. For float and double, on plain memory.
#pragma once

#include <cstdint>

namespace d2v {

// One sequence: x (length, in) → y (size(), out); y[t] = Σ_j W_j · x[t·stride + j - before], with zeros outside of x.
// Strides above 1 have before = 0.
struct TokenConv {
  int64_t length, in, out, kernel, stride, before;
  int64_t outputs;                // positions t = 0 … outputs - 1 that the convolution has
  int64_t wanted = -1;            // how many of them are made; -1: all
  const int64_t* rows = nullptr;  // which, where not all

  int64_t size() const { return wanted < 0 ? outputs : wanted; }
  // Chosen rows, or few channels, are unfolded after all.
  bool unfolds() const { return wanted >= 0 || in * stride < 16; }
  // Elements of the working memory of the functions below.
  int64_t columns_size() const { return unfolds() ? size() * kernel * in : 0; }
};

// `weight` (out, kernel, in): the taps in front of the channels.
template <class T>
void token_conv(const TokenConv& shape, const T* x, const T* weight, T* y, T* columns);
// x_gradient (length, in) += Σ W' · y_gradient.
template <class T>
void token_conv_input_gradient(const TokenConv& shape, const T* y_gradient, const T* weight, T* x_gradient,
                               T* columns);
// weight_gradient (out, kernel, in) += Σ_t y_gradient[t] · x[…].
template <class T>
void token_conv_weight_gradient(const TokenConv& shape, const T* x, const T* y_gradient, T* weight_gradient,
                                T* columns);

}  // namespace d2v
