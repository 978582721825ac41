// The modality encoder of data2vec 2.0 (sections 1 and 2 of the method): what turns a sample into the input of the
// shared blocks. Local encoder by modality; then positions, gathering, extra tokens, ALiBi and the prenet for all.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/decoders/conv_decoder.h"
#include "d2v/model/image_encoder.h"
#include "d2v/model/objective.h"
#include "d2v/model/speech_encoder.h"
#include "d2v/model/text_encoder.h"
#include "d2v/nn/attention_bias.h"
#include "d2v/nn/block.h"
#include "d2v/nn/padding.h"
#include "d2v/nn/relative_positions.h"

namespace d2v {

struct ModalityEncoder {
  std::variant<PatchWeights, SpeechWeights, TextWeights> local;
  at::Tensor fixed_positions;                  // (1, T, D); images and spectrograms, else undefined
  RelativePositionWeights relative_positions;  // speech, else empty
  at::Tensor extra_tokens;                     // (1, E, D); undefined for E = 0
  at::Tensor alibi_scale;                      // (layers|1, 1, heads|1, 1, 1); undefined without ALiBi
  NormWeights norm;                            // before the prenet; undefined where there is none
  std::vector<BlockWeights> prenet;
};

// "modality_encoders.IMAGE.", "….AUDIO." or "….TEXT.": the reference's names. EAT calls its spectrograms IMAGE.
std::string modality_prefix(Modality modality);

// Declares the encoder's parameters below that prefix. Throws UsageError where settings do not fit.
void declare_modality_encoder(std::vector<Parameter>& out, const Config& config);
// Initial values that are not drawn: fixed positions, extra tokens at 0, padding rows.
void set_modality_encoder(const Config& config, const ParameterLayout& layout, const at::Tensor& arena);
// `weights` stand below the prefix.
ModalityEncoder modality_encoder(const Weights& weights, const Config& config);

// Local features z: pixels (B, C, H, W), spectrograms (B, 1, frames, bins), waveform (B, samples) or tokens (B, T) → (B, T, D), before positions are added
// (of text they are part of it) and before dropout.
at::Tensor local_features(const ModalityEncoder& encoder, const Config& config, const at::Tensor& input);

// Padding of a batch with `lengths` (B) or without: text.padding or speech.padding says whether convolutions see it.
// Throws UsageError for images and spectrograms, which have none.
RowPadding padding_of(const Config& config, const at::Tensor& lengths, int64_t positions);

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

// What of the decoder the modality decides.
ConvDecoderShape decoder_shape(const Config& config);

}  // namespace d2v
