#include "d2v/decoders/mae_decoder.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;

namespace {

MaeConfig small_decoder() {
  MaeConfig config;
  config.decoder_dim = 4;
  config.decoder_depth = 1;
  config.decoder_heads = 2;
  return config;
}

ModelConfig encoder() {
  ModelConfig config;
  config.dim = 6;
  config.mlp_ratio = 1.5;
  return config;
}

}  // namespace

TEST_CASE("gradients of the whole decoder are those of finite differences, in double") {
  const ModelConfig blocks = mae_decoder_blocks(small_decoder(), encoder());
  const at::Tensor visible = at::tensor({1, 3}, at::kLong).view({1, 1, 2}),
                   masked = at::tensor({0, 2}, at::kLong).view({1, 1, 2});
  const auto run = [&](const std::vector<at::Tensor>& in) {
    const BlockWeights block{{in[5], in[6]}, {in[7], in[8]}, {in[9], in[10], in[11], in[12]}, in[13], in[14],
                             in[15],         in[16]};
    const MaeDecoderWeights weights{in[1], in[2], in[3], in[4], {block}, {in[17], in[18]}, in[19], in[20]};
    const at::Tensor x = mae_decoder_input(weights, in[0], visible, masked);
    return mae_decoder_prediction(weights, blocks, mae_decoder_layers(weights, blocks, x).back());
  };
  std::vector<at::Tensor> inputs;
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {1, 3, 6}, {4, 6}, {4},    {1, 1, 4}, {1, 5, 4}, {4}, {4}, {4}, {4},    {12, 4}, {12},
           {4, 4},    {4},    {6, 4}, {6},       {4, 6},    {4}, {4}, {4}, {5, 4}, {5}})
    inputs.push_back(test::random_double(shape));
  CHECK(test::gradient_error(run, inputs) < 1e-6);
}

TEST_CASE("masked positions hold the mask token, positions are added everywhere") {
  MaeDecoderWeights weights{
      at::randn({4, 6}), at::randn({4}), at::randn({1, 1, 4}), at::randn({1, 5, 4}), {}, {}, {}, {}};
  const at::Tensor visible = at::tensor({1, 3, 0, 2}, at::kLong).view({1, 2, 2}),
                   masked = at::tensor({0, 2, 1, 3}, at::kLong).view({1, 2, 2});
  const at::Tensor encoded = at::randn({2, 3, 6});
  const at::Tensor x = mae_decoder_input(weights, encoded, visible, masked);
  const at::Tensor wide = at::linear(encoded, weights.embed_weight, weights.embed_bias);
  CHECK(at::allclose(x[0][1], weights.mask_token[0][0] + weights.positions[0][1]));
  CHECK(at::allclose(x[1][2], weights.mask_token[0][0] + weights.positions[0][2]));
  CHECK(at::allclose(x[0][2], wide[0][1] + weights.positions[0][2]));
  CHECK(at::allclose(x[1][3], wide[1][2] + weights.positions[0][3]));
  CHECK(at::allclose(x[1][0], wide[1][0] + weights.positions[0][0]));
}

TEST_CASE("heads that do not divide the width are refused") {
  MaeConfig config = small_decoder();
  config.decoder_heads = 3;
  std::vector<Parameter> out;
  CHECK_THROWS_AS(declare_mae_decoder(out, config, encoder(), 4, 48), UsageError);
}
