#include "d2v/nn/attention.h"

#include <cmath>

#include "d2v/nn/aten.h"
#include "d2v/nn/attention_dropout.h"

namespace d2v {

AttentionWeights attention_weights(const Weights& weights) {
  return {weights["qkv.weight"], weights["qkv.bias"], weights["proj.weight"], weights["proj.bias"]};
}

at::Tensor attention(const AttentionWeights& weights, const at::Tensor& x, int64_t heads,
                     const at::Tensor& bias, double dropout_rate, const RowKeys& keys, uint32_t site) {
  const int64_t rows = x.size(0), length = x.size(1), dim = x.size(2);
  const at::Tensor qkv = at::linear(x, weights.qkv_weight, weights.qkv_bias)
                             .view({rows, length, 3, heads, dim / heads})
                             .permute({2, 0, 3, 1, 4});
  const std::vector<at::Tensor> parts = qkv.unbind(0);  // each (R, H, N, D/H)

  at::Tensor mixed;
  if (keys.empty() || dropout_rate == 0) {
    std::optional<at::Tensor> mask;
    if (bias.defined()) mask = bias.to(x.scalar_type());
    mixed =
        at::scaled_dot_product_attention(parts[0], parts[1], parts[2], mask, 0.0, false, std::nullopt, false);
  } else {
    // The library's own attention dropout draws from a generator that knows no samples: written out here.
    const double scale = 1.0 / std::sqrt(static_cast<double>(dim / heads));
    at::Tensor logits = at::matmul(parts[0] * scale, parts[1].transpose(-1, -2));
    logits = logits.to(at::promote_types(logits.scalar_type(), at::kFloat));  // softmax of bf16 in fp32
    if (bias.defined()) logits = logits + bias;
    const at::Tensor probabilities = attention_dropout(logits.softmax(-1), dropout_rate, keys, site);
    mixed = at::matmul(probabilities.to(x.scalar_type()), parts[2]);
  }
  return at::linear(mixed.transpose(1, 2).reshape({rows, length, dim}), weights.proj_weight,
                    weights.proj_bias);
}

}  // namespace d2v
