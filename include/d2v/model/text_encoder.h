// Local encoder of text: token and learned position embeddings, LayerNorm (sections 1 and 8 of the method).
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config.h"
#include "d2v/nn/block.h"

namespace d2v {

// What stands where a row has no more tokens. Positions count from the number after it.
inline constexpr int64_t text_padding_token = 1;

struct TextWeights {
  at::Tensor tokens;     // (vocabulary, D)
  at::Tensor positions;  // (max_positions + 2, D)
  NormWeights norm;      // eps 1e-5
};

// Declares <prefix>embed_tokens.weight, embed_positions.weight and layernorm_embedding. Throws UsageError where
// text.vocabulary_size is not known yet or text.block is longer than the position table.
void declare_text_encoder(std::vector<Parameter>& out, const std::string& prefix, const TextConfig& config,
                          int64_t dim, TeacherRule teacher);
TextWeights text_weights(const Weights& weights);

// The padding rows of both tables are 0; they get no gradient and stay so.
void zero_padding_rows(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix);

// tokens (B, T) int64 → (B, T, D), before dropout. Throws DataError for a token outside of the vocabulary or a row
// longer than the position table.
at::Tensor text_features(const TextWeights& weights, const at::Tensor& tokens);

// Position numbers (B, T): padding_token + 1, +2, … at tokens, padding_token at padding.
at::Tensor token_positions(const at::Tensor& tokens);

}  // namespace d2v
