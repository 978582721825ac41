// The two passes of a tile-wise block over all its tiles and threads.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "block_tiles.h"

namespace d2v {

// Number and order of BlockParameters' tensors; absent ones are empty.
inline constexpr size_t block_parameter_count = 13;
using BlockTensors = std::vector<at::Tensor>;

// Memory of a BlockState: what the forward pass keeps; without `keep` only queries, keys, values and what attention
// gave.
struct BlockStateTensors {
  at::Tensor qkv, mixed, normal1, rstd1, hidden, normal2, rstd2;
};
BlockStateTensors make_block_state(const BlockShape& shape, bool keep, const at::TensorOptions& options);

// x (R, N, D) → out; `ffn` may be undefined. T is x's type.
template <class T>
void run_block(const BlockSettings<T>& settings, const BlockTensors& parameters, const at::Tensor& x,
               const BlockStateTensors& state, bool keep, const at::Tensor& ffn, const at::Tensor& out);

// Fills dx (R, N, D). → gradients of all parameters, one after the other.
template <class T>
at::Tensor run_block_backward(const BlockSettings<T>& settings, const BlockTensors& parameters,
                              const at::Tensor& x, const BlockStateTensors& state,
                              const at::Tensor& out_gradient, const at::Tensor& dx);

}  // namespace d2v
