#include "d2v/base/philox_bits.h"

#include <algorithm>

#include "philox_rounds.h"

namespace d2v {

namespace {

constexpr uint64_t kBitLanes = 8;              // Philox blocks side by side
constexpr uint64_t kBitChunk = 4 * kBitLanes;  // numbers they give

struct BitStream {
  uint32_t key0, key1, high0, high1;
};

// Numbers kBitChunk·first … of the stream.
[[gnu::always_inline]] inline void bit_chunks(const BitStream& stream, uint64_t first, uint64_t count,
                                              uint32_t* out) {
  for (uint64_t chunk = first; chunk < first + count; ++chunk, out += kBitChunk) {
    uint32_t c0[kBitLanes], c1[kBitLanes], c2[kBitLanes], c3[kBitLanes];
    const uint64_t block = chunk * kBitLanes;
    for (uint32_t i = 0; i < kBitLanes; ++i) {
      c0[i] = static_cast<uint32_t>(block) + i;  // a multiple of kBitLanes: no carry
      c1[i] = static_cast<uint32_t>(block >> 32);
      c2[i] = stream.high0;
      c3[i] = stream.high1;
    }
    uint32_t k0 = stream.key0, k1 = stream.key1;
    for (int round = 0; round < philox::kRounds; ++round) {
      for (uint32_t i = 0; i < kBitLanes; ++i) philox::round(c0[i], c1[i], c2[i], c3[i], k0, k1);
      k0 += philox::kWeyl0;
      k1 += philox::kWeyl1;
    }
    for (uint32_t i = 0; i < kBitLanes; ++i) {
      out[4 * i] = c0[i];
      out[4 * i + 1] = c1[i];
      out[4 * i + 2] = c2[i];
      out[4 * i + 3] = c3[i];
    }
  }
}

void bit_chunks_portable(const BitStream& stream, uint64_t first, uint64_t count, uint32_t* out) {
  bit_chunks(stream, first, count, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void bit_chunks_avx2(const BitStream& stream, uint64_t first, uint64_t count,
                                             uint32_t* out) {
  bit_chunks(stream, first, count, out);
}
const auto bit_chunks_best = __builtin_cpu_supports("avx2") ? bit_chunks_avx2 : bit_chunks_portable;
#else
constexpr auto bit_chunks_best = bit_chunks_portable;
#endif

}  // namespace

void fill_bits(const RngKey& key, uint64_t offset, std::span<uint32_t> out) {
  const auto start = philox_state(key);
  const BitStream stream{start.key[0], start.key[1], start.counter_high[0], start.counter_high[1]};
  uint64_t chunk = offset / kBitChunk;
  const uint64_t skip = offset % kBitChunk;
  uint32_t* to = out.data();
  uint64_t left = out.size();
  uint32_t buffer[kBitChunk];
  if (skip > 0 && left > 0) {
    const uint64_t n = std::min(left, kBitChunk - skip);
    bit_chunks_best(stream, chunk++, 1, buffer);
    std::copy_n(buffer + skip, n, to);
    to += n;
    left -= n;
  }
  const uint64_t whole = left / kBitChunk;
  bit_chunks_best(stream, chunk, whole, to);
  if (left % kBitChunk == 0) return;
  bit_chunks_best(stream, chunk + whole, 1, buffer);
  std::copy_n(buffer, left % kBitChunk, to + whole * kBitChunk);
}

}  // namespace d2v
