// The arithmetic of Philox4x32-10, shared by the one-block function and the bulk generator.
#pragma once

#include <array>
#include <cstdint>

#include "d2v/base/philox.h"

namespace d2v {

// Where the stream of a key starts: Philox's key, and the upper half of its counter. The lower half counts
// blocks; numbers drawn one by one use blocks from 0 up, bulk normal numbers those from 2^63 up.
struct PhiloxState {
  std::array<uint32_t, 2> key;
  std::array<uint32_t, 2> counter_high;
};
PhiloxState philox_state(const RngKey& key);

namespace philox {

inline constexpr int kRounds = 10;
inline constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;

[[gnu::always_inline]] inline void round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t k0,
                                         uint32_t k1) {
  const uint64_t a = uint64_t{0xD2511F53u} * c0;
  const uint64_t b = uint64_t{0xCD9E8D57u} * c2;
  c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
  c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
  c1 = static_cast<uint32_t>(b);
  c3 = static_cast<uint32_t>(a);
}

}  // namespace philox
}  // namespace d2v
