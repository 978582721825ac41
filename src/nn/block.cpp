#include "d2v/nn/block.h"

#include "block_drops.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/fused_block.h"
#include "d2v/nn/fused_norm.h"

namespace d2v {

NormWeights norm_weights(const Weights& weights, const std::string& name) {
  return {weights.optional(name + ".weight"), weights.optional(name + ".bias")};
}

at::Tensor layer_norm(const at::Tensor& x, const NormWeights& weights, double eps) {
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias, eps, /*cudnn_enable=*/false);
}

BlockWeights block_weights(const Weights& weights) {
  return {norm_weights(weights, "norm1"),
          norm_weights(weights, "norm2"),
          attention_weights(weights.below("attn.")),
          weights["mlp.fc1.weight"],
          weights["mlp.fc1.bias"],
          weights["mlp.fc2.weight"],
          weights["mlp.fc2.bias"]};
}

BlockOutput block_forward(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                          const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index) {
  if (can_fuse(config, x, bias, drop_path_rate, keys))
    return fused_block(weights, config, x, bias, drop_path_rate, keys, index);
  return plain_block(weights, config, x, bias, drop_path_rate, keys, index);
}

BlockOutput plain_block(const BlockWeights& weights, const ModelConfig& config, const at::Tensor& x,
                        const BiasTerms& bias, double drop_path_rate, const RowKeys& keys, uint32_t index) {
  using enum BlockSite;
  const auto site = [index](BlockSite place) { return BlockDrops{.index = index}.site(place); };

  const auto attend = [&](const at::Tensor& in) {
    at::Tensor out = attention(weights.attention, in, config.heads, bias.total(), config.attention_dropout,
                               keys, site(attention_softmax));
    out = dropout(out, config.encoder_dropout, keys, site(attention_output));
    return drop_path(out, drop_path_rate, keys, site(path1));
  };
  const auto mlp = [&](const at::Tensor& in) {
    at::Tensor hidden = linear_gelu(in, weights.fc1_weight, weights.fc1_bias);
    hidden = dropout(hidden, config.activation_dropout, keys, site(activation));
    return dropout(at::linear(hidden, weights.fc2_weight, weights.fc2_bias), config.activation_dropout, keys,
                   site(ffn_output));
  };
  const auto residual = [&](const at::Tensor& t) {
    return drop_path(dropout(t, config.post_mlp_dropout, keys, site(ffn_residual)), drop_path_rate, keys,
                     site(path2));
  };

  if (config.layer_norm_first) {
    const at::Tensor h = x + attend(layer_norm(x, weights.norm1, config.norm_eps));
    const at::Tensor t = mlp(layer_norm(h, weights.norm2, config.norm_eps));
    return {h + residual(t), t};
  }
  const at::Tensor r = sum_norm(x, attend(x), weights.norm1, config.norm_eps);
  const at::Tensor t = mlp(r);
  return {sum_norm(r, residual(t), weights.norm2, config.norm_eps), t};
}

double drop_path_rate(double start, double end, int64_t i, int64_t n) {
  return n <= 1 ? start : start + (end - start) * static_cast<double>(i) / static_cast<double>(n - 1);
}

}  // namespace d2v
