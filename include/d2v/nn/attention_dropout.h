// Dropout on attention probabilities that does not see padding.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/nn/random.h"

namespace d2v {

// As `dropout`, for x (R, H, N, N): every row, head and query has a stream of its own, so that what is dropped among a
// row's first tokens does not depend on how many follow.
at::Tensor attention_dropout(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site);

}  // namespace d2v
