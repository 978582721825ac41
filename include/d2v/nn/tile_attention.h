// Softmax attention of one row and head on plain memory: the tile-wise form of nn/attention.h.
#pragma once

#include <algorithm>
#include <cstdint>

#include "d2v/base/philox.h"
#include "d2v/nn/panel_product.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

// Where one row's queries, keys and values lie: (N, 3, H, D/H) with `stride` elements between positions.
template <class T>
struct AttentionShape {
  int64_t length;     // N
  int64_t head_size;  // D/H
  int64_t stride;     // 3·D
  T scale;            // 1/√(D/H)
};

// Which probabilities are dropped, drawn as attention_dropout draws them; rate 0: none.
struct ProbabilityDrop {
  double rate = 0;
  RngKey key{};  // of the row
  uint32_t site = 0;
  int64_t head = 0;
};

// Room for the panels of keys, values or gradients.
template <class T>
int64_t attention_panels(const AttentionShape<T>& shape) {
  const ProductKernels<T>& products = product_kernels<T>();
  return std::max(products.panel_size(shape.head_size, shape.length),
                  products.panel_size(shape.length, shape.head_size));
}

// out (N, D/H), rows `out_stride` apart = drop(softmax(scale·q·kᵀ + terms))·v. `scratch` has room for
// attend_scratch(shape) elements.
template <class T>
void attend(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, const LogitTerms<T>& terms,
            const ProbabilityDrop& drop, T* scratch, T* out, int64_t out_stride);
template <class T>
int64_t attend_scratch(const AttentionShape<T>& shape) {
  return attention_panels(shape) + shape.length * shape.length;
}

// Gradients of q, k and v, laid out as those, from that of `out`; probabilities and what is dropped are computed again.
// Adds the gradient of terms.factor to `factor_gradient` (null: not wanted). `scratch` has room for
// attend_backward_scratch(shape, drop.rate > 0) elements.
template <class T>
void attend_backward(const AttentionShape<T>& shape, const T* q, const T* k, const T* v,
                     const LogitTerms<T>& terms, const ProbabilityDrop& drop, const T* out_gradient,
                     int64_t out_stride, T* scratch, T* factor_gradient, T* dq, T* dk, T* dv);
template <class T>
int64_t attend_backward_scratch(const AttentionShape<T>& shape, bool drops) {
  return attention_panels(shape) + (drops ? 3 : 2) * shape.length * shape.length;
}

}  // namespace d2v
