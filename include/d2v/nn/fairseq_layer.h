// The Transformer layer of wav2vec 2.0 and RoBERTa as data2vec 1 names it (section 9 of the method): the post-norm
// block of section 2 with separate query, key and value projections.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/nn/block.h"

namespace d2v {

struct FairseqLayerWeights {
  at::Tensor query_weight, query_bias, key_weight, key_bias, value_weight, value_bias;  // (D, D), (D)
  BlockWeights rest;  // norm1 after the attention, norm2 at the end; its qkv projection is undefined
};

// Declares <prefix>self_attn.{q,k,v,out}_proj, self_attn_layer_norm, fc1, fc2 and final_layer_norm.
void declare_fairseq_layer(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                           TeacherRule teacher);
FairseqLayerWeights fairseq_layer_weights(const Weights& weights);

// The layer as block_forward reads it: the three projections joined (a copy, differentiable in each).
BlockWeights joined(const FairseqLayerWeights& weights);

}  // namespace d2v
