// Moving rows between the full sequence of a sample and the visible tokens of its clones.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/nn/random.h"

namespace d2v {

// Gathers the visible rows of each clone: x (B, T, D), index (B, M, V) int64 → (B·M, V, D). Differentiable: the
// gradients of the M clones add up in their sample's row.
at::Tensor gather_visible(const at::Tensor& x, const at::Tensor& index);

// Rows (B·M, V, D) at the visible positions, noise or mask tokens (B·M, T-V, D) at the masked ones, (B·M, T, D).
// Differentiable in both. visible (B, M, V), masked (B, M, T-V) int64.
at::Tensor restore_order(const at::Tensor& visible_rows, const at::Tensor& noise, const at::Tensor& visible,
                         const at::Tensor& masked);

// gather_visible(x + positions), positions (1, T, D) float32 without gradients: one pass where a kernel does it.
at::Tensor gather_visible(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& index);

// restore_order with row_noise at the masked positions: the same numbers, without the noise as a tensor where a kernel
// draws it.
at::Tensor restore_with_noise(const at::Tensor& visible_rows, const RowKeys& keys, double std,
                              const at::Tensor& visible, const at::Tensor& masked);

// Rows of x (B·M, T, D) at the masked positions, (B·M, n, D). Differentiable.
at::Tensor take_rows(const at::Tensor& x, const at::Tensor& index);

// The identity whose gradient is multiplied by `factor`.
at::Tensor scale_gradient(const at::Tensor& x, double factor);

}  // namespace d2v
