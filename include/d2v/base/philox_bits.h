// The numbers of a Philox stream in bulk, from any place of it on: what dropout is made of.
#pragma once

#include <cstdint>
#include <span>

#include "d2v/base/philox.h"

namespace d2v {

// out[i] = number offset + i that Philox(key)() gives, counted from 0. Any part of a stream may be had by itself, so a
// long one may be filled in pieces and in parallel.
void fill_bits(const RngKey& key, uint64_t offset, std::span<uint32_t> out);

}  // namespace d2v
