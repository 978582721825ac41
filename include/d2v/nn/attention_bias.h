// What is added to the attention's logits: ALiBi times its scale, and -inf at padded keys (section 2 of the method).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace d2v {

// The bias of all blocks of one network run. Built once; each block asks for its own.
class AttentionBias {
 public:
  AttentionBias() = default;
  // alibi (1|R, H, N, N) or undefined; scale (layers|1, 1, heads|1, 1, 1), clamped at 0 here; keys (R, 1, 1, N), see
  // padded_keys, or undefined. The layer index of a scale per layer runs over prenet, then shared blocks.
  AttentionBias(const at::Tensor& alibi, const at::Tensor& scale, at::Tensor keys);

  // Of block `layer`; (1|R, H|1, N|1, N), undefined where nothing is added.
  at::Tensor of_block(int64_t layer) const;

  // ALiBi as added, without padding; without its scale where that is per layer. Undefined without ALiBi.
  const at::Tensor& alibi() const { return alibi_; }

 private:
  at::Tensor alibi_, scale_per_layer_, keys_, shared_;
};

}  // namespace d2v
