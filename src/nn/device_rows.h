// The row movements of rows.h by the CUDA kernels; tensors are contiguous, fp32 or bf16, on one device.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/nn/random.h"

namespace d2v {

// x (B, T, D), index (B·clones·kept) → (B·clones, kept, D); plus positions (1, T, D) float32 where defined.
at::Tensor device_gather(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& index,
                         int64_t clones);
// The gradient of it: gradient (B·clones, kept, D) → shape (B, T, D).
at::Tensor device_sum(const at::Tensor& gradient, const at::Tensor& index, at::IntArrayRef shape);
// Rows at the visible positions; at the masked ones `fill`, or where that is undefined noise of the keys.
at::Tensor device_restore(const at::Tensor& rows, const at::Tensor& fill, const RowKeys& keys, double std,
                          const at::Tensor& visible, const at::Tensor& masked);

}  // namespace d2v
