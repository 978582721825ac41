// What is dropped at one place of a network for one row of its input: a function of the row's key, the place and the
// element's index, so that any part of a tensor can be treated by itself (random.h and attention_dropout.h take whole
// tensors). No LibTorch.
#pragma once

#include <cstdint>

#include "d2v/base/philox.h"

namespace d2v {

// Stream of `dropout` at a place.
RngKey dropout_key(RngKey key, uint32_t site);
// Stream of `attention_dropout` for one head and query.
RngKey attention_dropout_key(RngKey key, uint32_t site, int64_t head, int64_t query);

// x *= factors offset, offset + 1, … of the stream: 0 with chance p, else 1/(1-p), rounded to float.
template <class T>
void drop_stream(const RngKey& stream, double p, int64_t offset, T* x, int64_t count);

// The factor of `drop_path` for the row.
float drop_path_factor(RngKey key, double p, uint32_t site);

}  // namespace d2v
