// Dropout, drop-path and noise whose numbers depend on the row's sample, not on the batch or the thread.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/philox.h"

namespace d2v {

// One key per row of a network's input (student: B·M rows, clones of a sample adjacent). Empty in eval mode.
using RowKeys = std::vector<RngKey>;

// Zeroes elements of x (R, …) with chance p and scales the rest by 1/(1-p). `site` tells apart the places of one
// network where dropout acts. The identity when keys are empty or p = 0.
at::Tensor dropout(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site);

// Drops whole rows of x (R, …) with chance p, scales the rest by 1/(1-p) (stochastic depth).
at::Tensor drop_path(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site);

// Normal noise (R, n, D) of the given deviation, row r from keys[r] alone; fp32 or bf16, made on the device where it is
// wanted: the same bits everywhere. `stream` tells apart the places where noise stands.
at::Tensor row_noise(const RowKeys& keys, int64_t count, int64_t dim, double std, at::ScalarType dtype,
                     Stream stream = Stream::decoder_noise, at::Device device = at::kCPU);

}  // namespace d2v
