#include "d2v/model/text_encoder.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/declare.h"

namespace d2v {

void declare_text_encoder(std::vector<Parameter>& out, const std::string& prefix, const TextConfig& config,
                          int64_t dim, TeacherRule teacher) {
  check<UsageError>(config.vocabulary_size > text_padding_token,
                    "text.vocabulary_size = {}: the model needs the number of tokens, special ones included",
                    config.vocabulary_size);
  check<UsageError>(
      config.block <= config.max_positions,
      "text.block = {} is longer than the position table (text.max_positions = {}): change one of them",
      config.block, config.max_positions);
  check<UsageError>(config.padding != Padding::crop,
                    "text.padding = crop: texts are never cut to the shortest; choose exact or reference");
  const int64_t rows = config.max_positions + text_padding_token + 1;
  out.push_back({prefix + "embed_tokens.weight", {config.vocabulary_size, dim}, Init::normal, 0.02, teacher});
  out.push_back({prefix + "embed_positions.weight", {rows, dim}, Init::normal, 0.02, teacher});
  declare_norm(out, prefix + "layernorm_embedding", dim, teacher);
}

TextWeights text_weights(const Weights& weights) {
  return {weights["embed_tokens.weight"], weights["embed_positions.weight"],
          norm_weights(weights, "layernorm_embedding")};
}

void zero_padding_rows(const ParameterLayout& layout, const at::Tensor& arena, const std::string& prefix) {
  for (const char* name : {"embed_tokens.weight", "embed_positions.weight"})
    view_of(arena, layout.at(prefix + name))[text_padding_token].zero_();
}

at::Tensor token_positions(const at::Tensor& tokens) {
  const at::Tensor there = tokens.ne(text_padding_token).to(at::kLong);
  return there.cumsum(1) * there + text_padding_token;
}

at::Tensor text_features(const TextWeights& weights, const at::Tensor& tokens) {
  // On a GPU the host would have to wait for the answer; the device's own check ends the run there.
  const bool look = tokens.is_cpu();
  const int64_t low = look ? tokens.min().item<int64_t>() : 0, high = look ? tokens.max().item<int64_t>() : 0;
  check<DataError>(
      low >= 0 && high < weights.tokens.size(0),
      "expected tokens of a vocabulary of {} (text.vocabulary_size), found {}: the token file was made "
      "with another vocabulary",
      weights.tokens.size(0), low < 0 ? low : high);
  check<DataError>(tokens.size(1) <= weights.positions.size(0) - text_padding_token - 1,
                   "a row of {} tokens is longer than the position table (text.max_positions = {})",
                   tokens.size(1), weights.positions.size(0) - text_padding_token - 1);
  const at::Tensor sum = at::embedding(weights.tokens, tokens, text_padding_token) +
                         at::embedding(weights.positions, token_positions(tokens), text_padding_token);
  return layer_norm(sum, weights.norm, 1e-5);
}

}  // namespace d2v
