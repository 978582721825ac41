// The Transformer decoder of MAE (He et al., arXiv 2111.06377): mask tokens, fixed positions, pre-norm blocks.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/nn/block.h"

namespace d2v {

struct MaeDecoderWeights {
  at::Tensor embed_weight, embed_bias;  // (C, D), (C): to the decoder's width
  at::Tensor mask_token;                // (1, 1, C)
  at::Tensor positions;                 // (1, 1+T, C), fixed; CLS first, 0 there
  std::vector<BlockWeights> blocks;
  NormWeights norm;
  at::Tensor pred_weight, pred_bias;  // (P, C), (P): to the pixels of a patch
};

// Blocks of the decoder in the terms of block_forward: pre-norm, the encoder's mlp_ratio and norm_eps, no dropout.
ModelConfig mae_decoder_blocks(const MaeConfig& config, const ModelConfig& encoder);

// Declares decoder_embed, mask_token, decoder_pos_embed, decoder_blocks.<i>, decoder_norm, decoder_pred.
// Throws UsageError where the heads do not divide the width.
void declare_mae_decoder(std::vector<Parameter>& out, const MaeConfig& config, const ModelConfig& encoder,
                         int64_t positions, int64_t patch_values);
MaeDecoderWeights mae_decoder_weights(const Weights& weights, const MaeConfig& config);

// encoded (B·M, 1+V, D) with the CLS row first → decoder's input (B·M, 1+T, C): the rows at their visible positions,
// the mask token elsewhere, positions added. visible (B, M, V), masked (B, M, T-V) int64.
at::Tensor mae_decoder_input(const MaeDecoderWeights& weights, const at::Tensor& encoded,
                             const at::Tensor& visible, const at::Tensor& masked);

// Outputs of every block, (B·M, 1+T, C).
std::vector<at::Tensor> mae_decoder_layers(const MaeDecoderWeights& weights, const ModelConfig& blocks,
                                           const at::Tensor& x);

// Pixels at any rows of the last block's output: (…, C) → (…, P).
at::Tensor mae_decoder_prediction(const MaeDecoderWeights& weights, const ModelConfig& blocks,
                                  const at::Tensor& x);

}  // namespace d2v
