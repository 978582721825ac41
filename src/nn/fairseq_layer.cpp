#include "d2v/nn/fairseq_layer.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"

namespace d2v {

void declare_fairseq_layer(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                           TeacherRule teacher) {
  const int64_t dim = config.dim, hidden = ffn_width(config);
  for (const char* name : {"k_proj", "v_proj", "q_proj", "out_proj"})
    declare_linear(out, prefix + "self_attn." + name, dim, dim, Init::normal, teacher);
  declare_norm(out, prefix + "self_attn_layer_norm", dim, teacher);
  declare_linear(out, prefix + "fc1", hidden, dim, Init::normal, teacher);
  declare_linear(out, prefix + "fc2", dim, hidden, Init::normal, teacher);
  declare_norm(out, prefix + "final_layer_norm", dim, teacher);
}

FairseqLayerWeights fairseq_layer_weights(const Weights& weights) {
  FairseqLayerWeights out{weights["self_attn.q_proj.weight"],
                          weights["self_attn.q_proj.bias"],
                          weights["self_attn.k_proj.weight"],
                          weights["self_attn.k_proj.bias"],
                          weights["self_attn.v_proj.weight"],
                          weights["self_attn.v_proj.bias"],
                          {}};
  out.rest.norm1 = norm_weights(weights, "self_attn_layer_norm");
  out.rest.norm2 = norm_weights(weights, "final_layer_norm");
  out.rest.attention.proj_weight = weights["self_attn.out_proj.weight"];
  out.rest.attention.proj_bias = weights["self_attn.out_proj.bias"];
  out.rest.fc1_weight = weights["fc1.weight"];
  out.rest.fc1_bias = weights["fc1.bias"];
  out.rest.fc2_weight = weights["fc2.weight"];
  out.rest.fc2_bias = weights["fc2.bias"];
  return out;
}

BlockWeights joined(const FairseqLayerWeights& weights) {
  BlockWeights out = weights.rest;
  out.attention.qkv_weight = at::cat({weights.query_weight, weights.key_weight, weights.value_weight});
  out.attention.qkv_bias = at::cat({weights.query_bias, weights.key_bias, weights.value_bias});
  return out;
}

}  // namespace d2v
