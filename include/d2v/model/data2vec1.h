// data2vec 1 (arXiv 2202.03555) for images, speech and text, section 9 of the method: mask tokens stand inside the
// encoder, there is one mask per sample and no convolutional decoder.
#pragma once

#include <vector>

#include "d2v/model/arena_objective.h"
#include "d2v/model/data2vec1_encoder.h"
#include "d2v/model/image_encoder.h"
#include "d2v/model/speech_encoder.h"

namespace d2v {

class Data2Vec1 : public ArenaObjective {
 public:
  // Initial weights are drawn from config.run.seed; the teacher starts as a copy of the student's encoder.
  // Throws UsageError where settings do not fit together.
  Data2Vec1(const Config& config, Precision precision);
  // Its parameters. Throws UsageError likewise.
  static std::vector<Parameter> declare(const Config& config);

  StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) override;
  StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) override;
  Features embed(const at::Tensor& input, Network which) override { return embed_padded(input, {}, which); }
  Features embed_padded(const at::Tensor& input, const at::Tensor& lengths, Network which) override;

 private:
  // A batch as the two encoders see it.
  struct Inputs {
    at::Tensor local;             // (B, T, D) features before masking
    at::Tensor student, teacher;  // (B, [1+]T, D); the teacher's without gradient
    RowPadding padding;
  };
  StepOutput step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const;
  Inputs make_inputs(const DeviceBatch& batch, const RowKeys& noise_keys, const RowKeys& keys,
                     Trace* trace) const;
  at::Tensor local_features(const at::Tensor& input) const;  // images and speech
  at::Tensor prepend_cls(const at::Tensor& x) const;         // images; speech and text have none
  at::Tensor predict(const at::Tensor& rows) const;          // the regression head

  PatchWeights patch_;
  SpeechWeights speech_;
  at::Tensor mask_embedding_, cls_embedding_;
  std::vector<at::Tensor> head_weight_, head_bias_;  // Linear layers with GELU in between; empty for none
  Data2Vec1Encoder student_, teacher_;
};

}  // namespace d2v
