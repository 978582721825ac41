// The encoders of data2vec 1 (section 9 of the method): wav2vec 2.0's for speech, BEiT's for images, RoBERTa's for text.
// Student and teacher have one each; what makes the student's input and prediction stands in data2vec1.h.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/model/objective.h"
#include "d2v/model/text_encoder.h"
#include "d2v/nn/beit_block.h"
#include "d2v/nn/fairseq_layer.h"
#include "d2v/nn/padding.h"
#include "d2v/nn/relative_positions.h"

namespace d2v {

struct Data2Vec1Encoder {
  RelativePositionWeights positions;  // speech
  NormWeights input_norm;             // speech: after the positions, eps 1e-5
  TextWeights text;
  std::vector<FairseqLayerWeights> layers;  // speech, text
  std::vector<BeitBlockWeights> blocks;     // images
  at::Tensor relative_table;                // images: (rows, H), shared by all blocks
  NormWeights final_norm;                   // images
};

// "encoder." or "encoder.sentence_encoder.": what the teacher has a copy of.
std::string data2vec1_prefix(Modality modality);

// Declares the encoder below that prefix. The teacher copies speech's positional convolutions and text's embeddings and
// averages the rest. Throws UsageError where settings do not fit.
void declare_data2vec1_encoder(std::vector<Parameter>& out, const Config& config);
Data2Vec1Encoder data2vec1_encoder(const Weights& weights, const Config& config);

struct Data2Vec1Run {
  std::vector<at::Tensor> outputs;  // of every block, (B, [1+]T, D)
  std::vector<at::Tensor>
      results;        // layer results for the targets, CLS removed: FFN outputs, or block outputs
  at::Tensor output;  // (B, T, D), after the final norm, CLS removed
};

// x: frames (B, T, D), CLS and patches (B, 1+T, D), or embedded tokens (B, T, D); padded rows are zeroed. Dropouts, drop-path and layerdrop act
// when keys are given; `skip` draws the layers to skip, once per batch.
Data2Vec1Run run_data2vec1(const Data2Vec1Encoder& encoder, const Config& config, const at::Tensor& x,
                           const RowPadding& padding, const RowKeys& keys, Philox skip);

// Embedded tokens (B, T) → (B, T, D); dropout when keys are given.
at::Tensor embed_tokens(const Data2Vec1Encoder& encoder, const Config& config, const at::Tensor& tokens,
                        const RowKeys& keys);

}  // namespace d2v
