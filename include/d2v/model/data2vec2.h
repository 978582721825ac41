// data2vec 2.0 (arXiv 2212.07525) for images, speech, text and spectrograms (as EAT): the training step's forward pass, section 1 of the method.
#pragma once

#include "d2v/base/config.h"
#include "d2v/decoders/conv_decoder.h"
#include "d2v/model/arena_objective.h"
#include "d2v/model/context_encoder.h"
#include "d2v/model/losses.h"
#include "d2v/model/targets.h"

namespace d2v {

class Data2Vec2 : public ArenaObjective {
 public:
  // Initial weights are drawn from config.run.seed; the teacher starts as a copy of the student.
  // Throws UsageError where settings do not fit together.
  Data2Vec2(const Config& config, Precision precision);
  // Its parameters, by the reference's names (data2vec2_parameters.cpp). Throws UsageError likewise.
  static std::vector<Parameter> declare(const Config& config);

  StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) override;
  StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) override;
  Features embed(const at::Tensor& input, Network which) override { return embed_padded(input, {}, which); }
  Features embed_padded(const at::Tensor& input, const at::Tensor& lengths, Network which) override;

 private:
  // Everything one network reads: the student, or the teacher with its share of the student's weights.
  struct Encoder {
    ModalityEncoder modality;
    std::vector<BlockWeights> blocks;
    NormWeights norm;  // after the shared blocks, pre-norm only
  };
  Encoder make_encoder(const WeightArenas& modality, const WeightArenas& blocks) const;

  StepOutput step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const;
  at::Tensor run_student(const EncoderInput& input, const StepKey& key, const RowKeys& keys,
                         Trace* trace) const;
  at::Tensor decode(const at::Tensor& encoded, const DeviceBatch& batch, const RowPadding& padding,
                    const RowKeys& noise_keys, const RowKeys& keys, Trace* trace) const;
  at::Tensor run_teacher(const at::Tensor& input, const at::Tensor& student_z, const RowPadding& padding,
                         Trace* trace) const;
  // Whether that network has local features of its own, or reads the student's.
  bool own_local_features(Network which) const;
  at::Tensor add_losses(const DeviceBatch& batch, const RowPadding& padding, const StepKey& key,
                        const at::Tensor& encoded, const at::Tensor& prediction, const at::Tensor& targets,
                        StepOutput& out) const;

  Encoder student_, teacher_;
  ConvDecoderWeights decoder_;
  at::Tensor recon_weight_, recon_bias_;
};

}  // namespace d2v
