#include "d2v/nn/beit_block.h"

#include <cmath>

#include <fmt/format.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/fused_norm.h"

namespace d2v {

void declare_beit_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                        double layer_scale, int64_t index, TeacherRule teacher) {
  const int64_t dim = config.dim, hidden = ffn_width(config);
  const auto vector = [&](const std::string& name, double value) {
    out.push_back(
        {prefix + name, {dim}, Init::constant, value, teacher, true, /*decay=*/false, /*fp32=*/false});
  };
  const auto last_of_branch = [&](const std::string& name, int64_t columns) {
    declare_linear(out, prefix + name, dim, columns, Init::normal, teacher);
    out[out.size() - 2].init_value /= std::sqrt(2.0 * static_cast<double>(index + 1));
  };
  vector("gamma_1", layer_scale);
  vector("gamma_2", layer_scale);
  declare_norm(out, prefix + "norm1", dim, teacher);
  vector("attn.q_bias", 0);
  vector("attn.v_bias", 0);
  out.push_back({prefix + "attn.qkv.weight", {3 * dim, dim}, Init::normal, 0.02, teacher});
  last_of_branch("attn.proj", dim);
  declare_norm(out, prefix + "norm2", dim, teacher);
  declare_linear(out, prefix + "mlp.0", hidden, dim, Init::normal, teacher);
  last_of_branch("mlp.2", hidden);
}

BeitBlockWeights beit_block_weights(const Weights& weights) {
  return {norm_weights(weights, "norm1"),
          norm_weights(weights, "norm2"),
          weights["attn.qkv.weight"],
          weights["attn.q_bias"],
          weights["attn.v_bias"],
          weights["attn.proj.weight"],
          weights["attn.proj.bias"],
          weights["mlp.0.weight"],
          weights["mlp.0.bias"],
          weights["mlp.2.weight"],
          weights["mlp.2.bias"],
          weights["gamma_1"],
          weights["gamma_2"]};
}

BlockOutput beit_block_forward(const BeitBlockWeights& weights, const ModelConfig& config,
                               const at::Tensor& x, const at::Tensor& bias, double drop_path_rate,
                               const RowKeys& keys, uint32_t index) {
  enum Site : uint32_t { attention_softmax, attention_output, activation, ffn_output, path1, path2, count };
  const auto site = [index](Site s) { return index * count + s; };
  const AttentionWeights attend{
      weights.qkv_weight,
      at::cat({weights.query_bias, at::zeros_like(weights.query_bias), weights.value_bias}),
      weights.proj_weight, weights.proj_bias};

  at::Tensor a = attention(attend, layer_norm(x, weights.norm1, config.norm_eps), config.heads, bias,
                           config.attention_dropout, keys, site(attention_softmax));
  a = dropout(a, config.encoder_dropout, keys, site(attention_output));
  const at::Tensor h = x + drop_path(weights.gamma1 * a, drop_path_rate, keys, site(path1));
  at::Tensor t =
      linear_gelu(layer_norm(h, weights.norm2, config.norm_eps), weights.fc1_weight, weights.fc1_bias);
  t = dropout(t, config.activation_dropout, keys, site(activation));
  t = dropout(at::linear(t, weights.fc2_weight, weights.fc2_bias), config.post_mlp_dropout, keys,
              site(ffn_output));
  t = weights.gamma2 * t;
  return {h + drop_path(t, drop_path_rate, keys, site(path2)), t};
}

int64_t relative_table_rows(int64_t side) { return (2 * side - 1) * (2 * side - 1) + 3; }

at::Tensor relative_position_index(int64_t side) {
  const int64_t span = 2 * side - 1, last = relative_table_rows(side), patches = side * side;
  at::Tensor index = at::empty({1 + patches, 1 + patches}, at::kLong);
  int64_t* out = index.mutable_data_ptr<int64_t>();
  for (int64_t i = -1; i < patches; ++i) {
    for (int64_t j = -1; j < patches; ++j) {
      if (i < 0 || j < 0)
        *out++ = i < 0 && j < 0 ? last - 1 : i < 0 ? last - 3 : last - 2;
      else
        *out++ = (i / side - j / side + side - 1) * span + (i % side - j % side + side - 1);
    }
  }
  return index;
}

at::Tensor relative_position_bias(const at::Tensor& table, const at::Tensor& index) {
  const int64_t tokens = index.size(0);
  return table.index_select(0, index.view(-1))
      .view({tokens, tokens, table.size(1)})
      .permute({2, 0, 1})
      .contiguous()
      .unsqueeze(0);
}

}  // namespace d2v
