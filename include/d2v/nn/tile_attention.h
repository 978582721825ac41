// Softmax attention of one row and head on plain memory: the tile-wise form of nn/attention.h.
#pragma once

#include <cstdint>

namespace d2v {

// Where one row's queries, keys and values lie: (N, 3, H, D/H) with `stride` elements between positions.
template <class T>
struct AttentionShape {
  int64_t length;     // N
  int64_t head_size;  // D/H
  int64_t stride;     // 3·D
  T scale;            // 1/√(D/H)
};

// Added to the logits of one row and head: (N, N), rows `stride` apart; null: nothing.
template <class T>
struct LogitBias {
  const T* data = nullptr;
  int64_t stride = 0;
};

// out (N, D/H), rows `out_stride` apart = softmax(scale·q·kᵀ + bias)·v. `scratch` has room for N².
template <class T>
void attend(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, LogitBias<T> bias, T* scratch,
            T* out, int64_t out_stride);

// Gradients of q, k and v, laid out as those, from that of `out`; the probabilities are computed again.
// `scratch` has room for 2·N².
template <class T>
void attend_backward(const AttentionShape<T>& shape, const T* q, const T* k, const T* v, LogitBias<T> bias,
                     const T* out_gradient, int64_t out_stride, T* scratch, T* dq, T* dk, T* dv);

}  // namespace d2v
