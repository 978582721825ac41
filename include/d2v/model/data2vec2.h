// data2vec 2.0 for images (arXiv 2212.07525): the training step's forward pass, section 1 of the method.
#pragma once

#include <memory>

#include "d2v/base/config.h"
#include "d2v/decoders/conv_decoder.h"
#include "d2v/model/image_encoder.h"
#include "d2v/model/losses.h"
#include "d2v/model/objective.h"
#include "d2v/model/targets.h"

namespace d2v {

class Data2Vec2 : public Objective {
 public:
  // Initial weights are drawn from config.run.seed; the teacher starts as a copy of the student.
  // Throws UsageError where settings do not fit together.
  Data2Vec2(const Config& config, Precision precision);

  StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) override;
  StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) override;
  Features embed(const at::Tensor& input, Network which) override;

  const ParameterLayout& layout() const override { return layout_; }
  at::Tensor weights() override { return student_arenas_.full; }
  at::Tensor teacher() override { return teacher_arenas_.full; }
  at::Tensor gradients() override { return student_arenas_.full_gradient; }
  void zero_gradients() override;
  void weights_changed() override;
  void backward(const at::Tensor& loss, double scale) override;

 private:
  // Everything one network reads: the student, or the teacher with its share of the student's weights.
  struct Encoder {
    ImageEncoderWeights image;
    std::vector<BlockWeights> blocks;
    NormWeights norm;  // after the shared blocks, pre-norm only
  };
  Encoder make_encoder(const WeightArenas& image, const WeightArenas& blocks) const;

  StepOutput step(const DeviceBatch& batch, const StepKey& key, Trace* trace, bool training) const;
  at::Tensor run_student(const at::Tensor& z, const DeviceBatch& batch, const StepKey& key,
                         const RowKeys& keys, Trace* trace) const;
  at::Tensor decode(const at::Tensor& encoded, const DeviceBatch& batch, const RowKeys& noise_keys,
                    const RowKeys& keys, Trace* trace) const;
  at::Tensor run_teacher(const at::Tensor& pixels, const at::Tensor& student_z, Trace* trace) const;
  at::Tensor add_losses(const DeviceBatch& batch, const StepKey& key, const at::Tensor& encoded,
                        const at::Tensor& prediction, const at::Tensor& targets, StepOutput& out) const;

  Config config_;
  at::ScalarType dtype_;
  int64_t side_;
  ParameterLayout layout_;
  WeightArenas student_arenas_, teacher_arenas_;
  Encoder student_, teacher_;
  ConvDecoderWeights decoder_;
  at::Tensor recon_weight_, recon_bias_;
};

}  // namespace d2v
