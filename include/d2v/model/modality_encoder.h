// The modality encoder of data2vec 2.0 (sections 1 and 2 of the method): the weights of what turns a sample into the input of the
// shared blocks, and the local features. What follows them is the same for all modalities: context_encoder.h.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/decoders/conv_decoder.h"
#include "d2v/model/image_encoder.h"
#include "d2v/model/speech_encoder.h"
#include "d2v/model/text_encoder.h"
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

// Whether a LayerNorm stands before the prenet: post-norm models have it, text only with a prenet.
bool norm_before_prenet(const ModelConfig& model);

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

// What of the decoder the modality decides.
ConvDecoderShape decoder_shape(const Config& config);

}  // namespace d2v
