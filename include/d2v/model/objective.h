// What the trainer drives: one objective (data2vec 2.0, data2vec 1, MAE); the trainer does not know which.
//
// An objective owns the student's weights, its teacher's if it has one, the decoder, and their gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/nn/parameters.h"
#include "d2v/nn/random.h"
#include "d2v/pipeline/batch.h"

namespace d2v {

// A batch as tensors; views of the Batch's buffers, which must outlive it.
struct DeviceBatch {
  at::Tensor
      input;  // pixels (B, C, H, W), spectrograms (B, 1, frames, bins) or waveform (B, samples) float32, or tokens (B, T) int64
  at::Tensor lengths;  // (B) int64, valid positions T_b of each sample; undefined where nothing is padded
  at::Tensor visible;  // (B, M, V) int64, increasing; padded positions count as visible
  at::Tensor masked;   // (B, M, T-V) int64, increasing
  std::vector<SampleRef> refs;  // (B)
};
DeviceBatch to_tensors(Batch& batch);

// What randomness and weights of a forward pass depend on besides the batch.
struct StepKey {
  uint64_t seed = 0;
  int64_t update = 0;  // number of this update, from 0
  int64_t epoch = 0;
  int64_t update_samples = 0;      // B_global of the update
  int64_t update_sample_size = 0;  // masked positions of the whole update
};

// The seam for parity tests. Null in training. Given, it supplies the noise, receives every named stage of the
// golden fixtures, and turns the skipping of positions off.
struct Trace {
  // Undefined: drawn as in training.
  at::Tensor decoder_noise;     // (B·M, T-V, D)
  at::Tensor positional_noise;  // (B·M, T-V, D), speech with speech.zero_masked off
  at::Tensor masked_tokens;     // (B, T) int64, data2vec 1 on text: tokens with mask tokens in place
  std::function<void(const std::string& stage, const at::Tensor&)> record;
};

// Hands a stage to the trace, if there is one that records.
void record(Trace* trace, const std::string& stage, const at::Tensor& value);

// One key per row of the student's batch, clones of a sample adjacent, or per sample; of the stream `dropout`.
RowKeys row_keys(const DeviceBatch& batch, const StepKey& key, uint64_t step, int64_t clones);

// A scalar worth logging. Values are read (and synchronised) one update later.
struct Monitored {
  std::string name;
  at::Tensor value;  // 0-dim float32, detached
};

struct StepOutput {
  at::Tensor loss;  // 0-dim float32: the sum that is back-propagated, before the division by sample_size
  int64_t sample_size = 0;       // masked positions of this slice, all clones
  std::vector<Monitored> parts;  // loss parts as sums: "regression", "cls", "recon"
  // Moments of targets and predictions over the masked positions of this slice, per channel (D): for target_var and
  // pred_var over a whole update. Rows: count, sum, sum of squares; float64 (3, D).
  at::Tensor target_moments;
  at::Tensor prediction_moments;
  at::Tensor targets;  // (B, T, D) detached, for the effective rank; undefined unless asked for by the key
  at::Tensor local_features;  // (B, T, D) detached, likewise
};

enum class Network { student, teacher };

// Outputs of the network on full, unmasked inputs.
struct Features {
  std::vector<at::Tensor> layers;  // per block, prenet first: (B, E+T, D) float32 block outputs
  int64_t extra_tokens = 0;        // E rows in front
};

class Objective {
 public:
  virtual ~Objective() = default;

  // Loss of one slice, with gradients recorded. Randomness depends on the key and the samples only.
  virtual StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace* trace) = 0;

  // Same without gradients and dropout (eval mode): the held-out loss.
  virtual StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) = 0;

  // Block outputs without masks, dropout and gradients.
  virtual Features embed(const at::Tensor& input, Network which) = 0;
  // The same for a padded batch: lengths (B) int64, valid positions; undefined for none. Rows beyond E + T_b of the
  // layers mean nothing. Throws UsageError where the objective's inputs are never padded.
  virtual Features embed_padded(const at::Tensor& input, const at::Tensor& lengths, Network which);

  virtual const ParameterLayout& layout() const = 0;
  virtual at::Tensor weights() = 0;  // flat fp32, the master copy
  virtual at::Tensor teacher() = 0;  // flat fp32, layout().teacher_size() elements; undefined without teacher
  // Flat fp32 gradients of d(sum of losses so far); the next call of zero_gradients clears them.
  virtual at::Tensor gradients() = 0;
  virtual void zero_gradients() = 0;
  // After the flat weights or the teacher were changed: refreshes low-precision copies.
  virtual void weights_changed() = 0;
  // Back-propagates `loss` (times scale) and adds the result to gradients().
  virtual void backward(const at::Tensor& loss, double scale) = 0;
};

// Builds the objective of config.model, with initial weights drawn from (seed, parameter index).
// Throws UsageError where settings do not fit together.
std::unique_ptr<Objective> make_objective(const Config& config, Precision precision);

// The layout that it would have, without allocating anything. Throws UsageError likewise.
ParameterLayout objective_layout(const Config& config);

}  // namespace d2v
