#include "d2v/decoders/mae_decoder.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/rows.h"

namespace d2v {

ModelConfig mae_decoder_blocks(const MaeConfig& config, const ModelConfig& encoder) {
  ModelConfig out;
  out.dim = config.decoder_dim;
  out.heads = config.decoder_heads;
  out.depth = config.decoder_depth;
  out.mlp_ratio = encoder.mlp_ratio;
  out.norm_eps = encoder.norm_eps;
  out.layer_norm_first = true;
  out.mae_init = true;
  return out;
}

void declare_mae_decoder(std::vector<Parameter>& out, const MaeConfig& config, const ModelConfig& encoder,
                         int64_t positions, int64_t patch_values) {
  check<UsageError>(config.decoder_dim % config.decoder_heads == 0,
                    "mae.decoder_heads = {} does not divide mae.decoder_dim = {}", config.decoder_heads,
                    config.decoder_dim);
  const int64_t dim = config.decoder_dim;
  const TeacherRule absent = TeacherRule::absent;
  const ModelConfig blocks = mae_decoder_blocks(config, encoder);
  declare_linear(out, "decoder_embed", dim, encoder.dim, Init::xavier, absent);
  out.push_back({"mask_token", {1, 1, dim}, Init::normal, 0.02, absent, true, true, /*fp32=*/true});
  out.push_back({"decoder_pos_embed",
                 {1, 1 + positions, dim},
                 Init::constant,
                 0,
                 absent,
                 /*trainable=*/false,
                 /*decay=*/false,
                 /*fp32=*/true});
  for (int64_t i = 0; i < config.decoder_depth; ++i)
    declare_block(out, fmt::format("decoder_blocks.{}.", i), blocks, absent);
  declare_norm(out, "decoder_norm", dim, absent);
  declare_linear(out, "decoder_pred", patch_values, dim, Init::xavier, absent);
}

MaeDecoderWeights mae_decoder_weights(const Weights& weights, const MaeConfig& config) {
  MaeDecoderWeights out{weights["decoder_embed.weight"],
                        weights["decoder_embed.bias"],
                        weights["mask_token"],
                        weights["decoder_pos_embed"],
                        {},
                        norm_weights(weights, "decoder_norm"),
                        weights["decoder_pred.weight"],
                        weights["decoder_pred.bias"]};
  for (int64_t i = 0; i < config.decoder_depth; ++i)
    out.blocks.push_back(block_weights(weights.below(fmt::format("decoder_blocks.{}.", i))));
  return out;
}

at::Tensor mae_decoder_input(const MaeDecoderWeights& weights, const at::Tensor& encoded,
                             const at::Tensor& visible, const at::Tensor& masked) {
  const at::Tensor x = at::linear(encoded, weights.embed_weight, weights.embed_bias);
  const at::Tensor tokens = weights.mask_token.to(x.scalar_type()).expand({x.size(0), masked.size(2), -1});
  const at::Tensor full = restore_order(x.slice(1, 1), tokens, visible, masked);
  return (at::cat({x.slice(1, 0, 1), full}, 1) + weights.positions).to(x.scalar_type());
}

std::vector<at::Tensor> mae_decoder_layers(const MaeDecoderWeights& weights, const ModelConfig& blocks,
                                           const at::Tensor& x) {
  std::vector<at::Tensor> out;
  for (const BlockWeights& block : weights.blocks)
    out.push_back(block_forward(block, blocks, out.empty() ? x : out.back(), {}, 0, {}, 0).output);
  return out;
}

at::Tensor mae_decoder_prediction(const MaeDecoderWeights& weights, const ModelConfig& blocks,
                                  const at::Tensor& x) {
  return at::linear(layer_norm(x, weights.norm, blocks.norm_eps), weights.pred_weight, weights.pred_bias);
}

}  // namespace d2v
