// MAE (He et al., arXiv 2111.06377): a pre-norm ViT sees the visible patches, a Transformer decoder predicts the pixels
// of the others. No teacher.
#pragma once

#include "d2v/decoders/mae_decoder.h"
#include "d2v/model/arena_objective.h"
#include "d2v/model/image_encoder.h"

namespace d2v {

class Mae : public ArenaObjective {
 public:
  // model.{dim, heads, depth, mlp_ratio, norm_eps, drop_path_*} describe the encoder, mae.* the decoder.
  // Throws UsageError where settings do not fit together.
  Mae(const Config& config, Precision precision);
  // Its parameters. Throws UsageError likewise.
  static std::vector<Parameter> declare(const Config& config);

  StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) override;
  StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) override;
  // Of the encoder, for either network: there is but one.
  Features embed(const at::Tensor& input, Network which) override;

 private:
  StepOutput step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const;
  at::Tensor patches_with_positions(const at::Tensor& pixels, Trace* trace) const;
  at::Tensor prepend_cls(const at::Tensor& x) const;
  std::vector<at::Tensor> encode(const at::Tensor& x, const RowKeys& keys) const;

  ModelConfig encoder_, decoder_blocks_;
  PatchWeights patch_;
  at::Tensor cls_token_, positions_;  // (1, 1, D), (1, 1+T, D)
  std::vector<BlockWeights> blocks_;
  NormWeights norm_;
  MaeDecoderWeights decoder_;
};

}  // namespace d2v
