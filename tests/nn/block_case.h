// Transformer blocks with random weights for the tests of the tile-wise block: what both forms of the block are run on.
#pragma once

#include <vector>

#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/fused_block.h"

namespace d2v::test {

struct BlockCase {
  ModelConfig config;
  BlockWeights weights;
  at::Tensor x, direction;
  BiasTerms bias;
  double path = 0;
  RowKeys keys;
  uint32_t index = 3;

  BlockOutput forward(bool fused) const {
    return (fused ? fused_block : plain_block)(weights, config, x, bias, path, keys, index);
  }
  // x, then all parameters that the block has.
  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> out{x,
                                weights.attention.qkv_weight,
                                weights.attention.qkv_bias,
                                weights.attention.proj_weight,
                                weights.attention.proj_bias,
                                weights.fc1_weight,
                                weights.fc1_bias,
                                weights.fc2_weight,
                                weights.fc2_bias};
    if (config.norm_affine)
      for (const NormWeights& norm : {weights.norm1, weights.norm2}) {
        out.push_back(norm.weight);
        out.push_back(norm.bias);
      }
    if (bias.factor.defined()) out.push_back(bias.factor);
    return out;
  }
};

struct BlockSize {
  int64_t rows, length, dim, heads;
  double ratio = 4;
};

inline BlockCase make_block_case(const BlockSize& size, bool affine, at::ScalarType type) {
  const at::TensorOptions options = at::TensorOptions().dtype(type);
  const int64_t dim = size.dim, hidden = static_cast<int64_t>(size.ratio * static_cast<double>(dim));
  const auto weight = [&](at::IntArrayRef shape) {
    return (at::randn(shape, options) * 0.2).requires_grad_();
  };
  BlockCase c;
  c.config.dim = dim;
  c.config.heads = size.heads;
  c.config.norm_affine = affine;
  c.weights.attention = {weight({3 * dim, dim}), weight({3 * dim}), weight({dim, dim}), weight({dim})};
  if (affine) {
    c.weights.norm1 = {weight({dim}), weight({dim})};
    c.weights.norm2 = {weight({dim}), weight({dim})};
  }
  c.weights.fc1_weight = weight({hidden, dim});
  c.weights.fc1_bias = weight({hidden});
  c.weights.fc2_weight = weight({dim, hidden});
  c.weights.fc2_bias = weight({dim});
  c.x = at::randn({size.rows, size.length, dim}, options).requires_grad_();
  c.direction = at::randn({size.rows, size.length, dim}, options);
  return c;
}

inline BlockSize random_block_size(Philox& random) {
  const int64_t heads = 1 + random.below(4);
  return {1 + random.below(12), 1 + random.below(40), heads * (3 + random.below(14)), heads,
          random.below(2) ? 4 : 1.5};
}

inline void add_alibi(BlockCase& c, int64_t alibi_rows, int64_t factors) {
  const int64_t heads = c.config.heads, length = c.x.size(1);
  c.bias.alibi = -at::rand({alibi_rows, heads, length, length}, c.x.options().requires_grad(false)) * 3;
  c.bias.factor = (at::rand({1, factors, 1, 1}, c.x.options().requires_grad(false)) + 0.5).requires_grad_();
}

// Drops everywhere, or, where `some` is given, at random places.
inline void add_drops(BlockCase& c, Philox* some = nullptr) {
  const auto rate = [some](double p) { return !some || some->below(2) ? p : 0; };
  c.config.attention_dropout = rate(0.2);
  c.config.encoder_dropout = rate(0.1);
  c.config.activation_dropout = rate(0.15);
  c.config.post_mlp_dropout = rate(0.3);
  c.path = rate(0.25);
  for (int64_t row = 0; row < c.x.size(0); ++row)
    c.keys.push_back(
        {11, Stream::dropout, 7, static_cast<uint64_t>(row / 2), 0, static_cast<uint32_t>(row % 2)});
}

// Output, then the gradients of all leaves.
inline std::vector<at::Tensor> output_and_gradients(const BlockCase& c, bool fused) {
  const std::vector<at::Tensor> leaves = c.leaves();
  for (const at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor{};
  const at::Tensor out = c.forward(fused).output;
  (out * c.direction).sum().backward();
  std::vector<at::Tensor> result{out.detach()};
  for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad().clone());
  return result;
}

inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item<double>();
}

}  // namespace d2v::test
