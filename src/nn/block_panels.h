// The weights of a block's linear layers in panels, for one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include "block_tiles.h"

namespace d2v {

enum class BlockPass { forward, backward };

// Packs in parallel. Wide blocks are left to LibTorch's BLAS, and short ones, where packing would cost as much as the
// products: then there are no panels. `weights` must outlive it.
template <class T>
class BlockPanels {
 public:
  BlockPanels(const BlockShape& shape, const BlockParameters<const T*>& weights, BlockPass pass,
              const at::TensorOptions& options);
  const BlockLinears<T>& linears() const { return linears_; }

 private:
  BlockLinears<T> linears_;
  at::Tensor memory_;
};

}  // namespace d2v
