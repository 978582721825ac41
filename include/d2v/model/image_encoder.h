// Modality encoder of images: patches, fixed positions, extra tokens, prenet (sections 1 and 2 of the method).
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/nn/block.h"

namespace d2v {

struct ImageEncoderWeights {
  at::Tensor patch_weight, patch_bias;  // (D, C, p, p), (D)
  at::Tensor extra_tokens;              // (1, E, D); undefined for E = 0
  at::Tensor positions;                 // (1, T, D), fixed
  at::Tensor alibi_scale;               // (layers|1, 1, heads|1, 1, 1); undefined without ALiBi
  NormWeights norm;                     // before the prenet; undefined with pre-norm blocks
  std::vector<BlockWeights> blocks;     // prenet
};

// Declares the parameters below `prefix` ("modality_encoders.IMAGE."). Throws UsageError where settings do not fit.
void declare_image_encoder(std::vector<Parameter>& out, const std::string& prefix, const Config& config);
ImageEncoderWeights image_encoder_weights(const Weights& weights, const Config& config);

// Declares one transformer block: norm1, attn.{qkv,proj}, norm2, mlp.{fc1,fc2}.
void declare_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                   TeacherRule teacher);

// Local features z: pixels (B, C, H, W) → (B, T, D), patches in row-major order.
at::Tensor patch_embed(const ImageEncoderWeights& weights, const at::Tensor& pixels, int64_t patch);

// Bias of all blocks before their scales: student, gathered at visible (B, M, V): (B·M, H, E+V, E+V); teacher, with
// `visible` undefined: (1, H, E+T, E+T). Extra tokens have bias 0. Undefined without ALiBi.
at::Tensor encoder_bias(const Config& config, const at::Tensor& visible);

// That bias times the (clamped) scale of block `layer`, prenet first.
at::Tensor scaled_bias(const at::Tensor& bias, const at::Tensor& scale, int64_t layer);

// Puts the extra tokens in front: (R, N, D) → (R, E+N, D).
at::Tensor prepend_extra_tokens(const ImageEncoderWeights& weights, const at::Tensor& x);

// LayerNorm, dropout and prenet blocks: (R, E+N, D) → same.
at::Tensor prenet_forward(const ImageEncoderWeights& weights, const Config& config, const at::Tensor& x,
                          const at::Tensor& bias, const RowKeys& keys,
                          std::vector<at::Tensor>* outputs = nullptr);

}  // namespace d2v
