// What is added to the attention's logits: ALiBi times its scale, and -inf at padded keys (section 2 of the method).
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace d2v {

// factor·alibi + fixed, of one block. Each may be undefined; alibi and factor are defined together.
struct BiasTerms {
  at::Tensor alibi;                          // (1|R, H, N, N), no gradient
  at::Tensor factor;                         // (1, H|1, 1, 1), may need a gradient
  at::Tensor fixed;                          // (1|R, H|1, N|1, N)
  std::shared_ptr<at::Tensor> shared_total;  // where blocks of the same terms keep their sum

  BiasTerms() = default;
  BiasTerms(at::Tensor bias) : fixed(std::move(bias)) {}

  // (1|R, H|1, N|1, N), undefined where nothing is added. Computed once for blocks that share it.
  at::Tensor total() const;
};

// The bias of all blocks of one network run. Built once; each block asks for its own.
class AttentionBias {
 public:
  AttentionBias() = default;
  // alibi (1|R, H, N, N) or undefined; scale (layers|1, 1, heads|1, 1, 1), clamped at 0 here; keys (R, 1, 1, N), see
  // padded_keys, or undefined. The layer index of a scale per layer runs over prenet, then shared blocks.
  AttentionBias(const at::Tensor& alibi, const at::Tensor& scale, at::Tensor keys);

  BiasTerms of_block(int64_t layer) const;

  bool has_alibi() const { return alibi_.defined(); }
  // ALiBi as added, without padding; without its scale where that is per layer. Undefined without ALiBi.
  at::Tensor alibi() const;

 private:
  bool shared() const { return !factor_.defined() || factor_.size(0) == 1; }

  at::Tensor alibi_, factor_, keys_;
  std::shared_ptr<at::Tensor> total_ = std::make_shared<at::Tensor>();
};

}  // namespace d2v
