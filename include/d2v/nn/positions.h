// Fixed positions and attention biases that depend on positions.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"

namespace d2v {

// 2-D sine-cosine positions of a grid of patches, row by row: (1, rows · columns, D) float32. The first half of D encodes the column, the second
// the row; each half is sin then cos; base 10000 (MAE's, as used by data2vec 2.0; section 8 of the method).
// Throws UsageError unless D is a multiple of 4.
at::Tensor sincos_positions(int64_t rows, int64_t columns, int64_t dim);
inline at::Tensor sincos_positions(int64_t side, int64_t dim) { return sincos_positions(side, side, dim); }

// Positions (1, d·d, D) interpolated to another grid side: bicubic, corners not aligned. Same shape rules.
at::Tensor resize_positions(const at::Tensor& positions, int64_t side);

// Slopes of ALiBi (arXiv 2108.12409): 2^(-8/H·(h+1)) for H a power of two; otherwise those of the next lower power
// of two, then every second one of twice that number.
std::vector<double> alibi_slopes(int64_t heads);

// Bias on attention logits, -slope·distance, (H, T, T) float32, T = rows · columns patches, row by row.
at::Tensor alibi_bias_2d(int64_t heads, int64_t rows, int64_t columns, AlibiDistance distance);
inline at::Tensor alibi_bias_2d(int64_t heads, int64_t side, AlibiDistance distance) {
  return alibi_bias_2d(heads, side, side, distance);
}

// Bias of distances |i - j| over time, (H, T, T) float32.
at::Tensor alibi_bias_1d(int64_t heads, int64_t positions);
// The same between the positions of each row: index (R, N) int64 → (R, H, N, N).
at::Tensor alibi_bias_1d(int64_t heads, const at::Tensor& index);

}  // namespace d2v
