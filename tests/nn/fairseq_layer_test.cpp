#include "d2v/nn/fairseq_layer.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("the joined layer is the block with its three projections stacked, gradients split again") {
  ModelConfig config;
  config.dim = 8;
  config.heads = 2;
  std::vector<Parameter> declared;
  declare_fairseq_layer(declared, "", config, TeacherRule::averaged);
  const ParameterLayout layout(declared);
  WeightArenas arenas;
  arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
  arenas.full_gradient = arenas.low_gradient = make_arena(layout.size(), at::kFloat);
  initialise(layout, arenas.full, 1);
  const FairseqLayerWeights weights = fairseq_layer_weights(Weights(layout, arenas));
  const BlockWeights block = joined(weights);
  CHECK(at::equal(block.attention.qkv_weight.slice(0, 8, 16), weights.key_weight));
  block_forward(block, config, at::randn({2, 5, 8}), {}, 0, {}, 0).output.pow(3).sum().backward();
  for (const char* name : {"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"})
    CHECK(view_of(arenas.full_gradient, layout.at(name)).abs().max().item<float>() > 0);
}
