// From local features to the input of the shared blocks (sections 1 and 2 of the method): positions, the visible tokens of
// each mask, extra tokens, ALiBi, then LayerNorm and prenet. Arithmetic in the dtype of the features.
#pragma once

#include <vector>

#include "d2v/model/modality_encoder.h"
#include "d2v/model/objective.h"
#include "d2v/nn/attention_bias.h"

namespace d2v {

// Input of the prenet.
struct EncoderInput {
  at::Tensor x;  // (R, E+N, D)
  AttentionBias bias;
};
// Of the student: M clones of each sample, visible positions only. Noise of masked frames from the trace or the keys.
EncoderInput student_input(const ModalityEncoder& encoder, const Config& config, const at::Tensor& z,
                           const DeviceBatch& batch, const RowPadding& padding, const RowKeys& noise_keys,
                           Trace* trace);
// Of the teacher and of embeddings: every position, R = B.
EncoderInput full_input(const ModalityEncoder& encoder, const Config& config, const at::Tensor& z,
                        const RowPadding& padding);

// LayerNorm, dropout and prenet blocks: (R, E+N, D) → same. `outputs` collects the blocks' outputs.
at::Tensor prenet_forward(const ModalityEncoder& encoder, const Config& config, const EncoderInput& input,
                          const RowKeys& keys, std::vector<at::Tensor>* outputs = nullptr);

}  // namespace d2v
