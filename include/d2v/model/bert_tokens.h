// BERT's corruption of chosen tokens (section 6 of the method): mask token, random token, or unchanged.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/model.h"
#include "d2v/nn/random.h"

namespace d2v {

// First token that is not a special one: <s>, <pad>, </s>, <unk> come before it.
inline constexpr int64_t first_plain_token = 4;

// tokens (B, T) int64, masked (B, 1, n) int64 → a copy in which each chosen token becomes `mask_token` with chance
// mask_share, a random plain token below it with chance random_share, and stays otherwise. Row b from keys[b] alone.
at::Tensor corrupt_tokens(const at::Tensor& tokens, const at::Tensor& masked, int64_t mask_token,
                          const Data2Vec1Config& config, const RowKeys& keys);

}  // namespace d2v
