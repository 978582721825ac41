// The numbers of a Philox stream in bulk, from any place of it on: what dropout and masks are made of.
#pragma once

#include <cstdint>
#include <span>

#include "d2v/base/philox_functor.h"

namespace d2v {

// out[i] = number offset + i that Philox(key)() gives, counted from 0. Any part of a stream may be had by itself, so a
// long one may be filled in pieces and in parallel.
void fill_bits(const philox::StreamStart& stream, uint64_t offset, std::span<uint32_t> out);
inline void fill_bits(const RngKey& key, uint64_t offset, std::span<uint32_t> out) {
  fill_bits(philox::start_of(key), offset, out);
}

}  // namespace d2v
