#include "d2v/base/philox_bits.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#define D2V_BITS_AVX2 1
#endif

namespace d2v {

namespace {

constexpr uint64_t kBitLanes = 8;              // Philox blocks side by side
constexpr uint64_t kBitChunk = 4 * kBitLanes;  // numbers they give

// Blocks kBitLanes·first … of the stream, `count` times kBitLanes.
void bit_chunks_portable(const philox::StreamStart& stream, uint64_t first, uint64_t count, uint32_t* out) {
  for (uint64_t block = first * kBitLanes; block < (first + count) * kBitLanes; ++block, out += 4) {
    const philox::Block words = philox::block_at(stream, block);
    std::copy_n(words.word, 4, out);
  }
}

#ifdef D2V_BITS_AVX2

struct WideProduct {
  __m256i low, high;
};

[[gnu::target("avx2"), gnu::always_inline]] inline void multiply(const __m256i& x, uint32_t factor,
                                                                 WideProduct& out) {
  const __m256i by = _mm256_set1_epi64x(factor);
  const __m256i even = _mm256_mul_epu32(x, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), by);
  out.low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  out.high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

// Eight blocks side by side, their words transposed at the end.
[[gnu::target("avx2")]] void bit_chunks_avx2(const philox::StreamStart& stream, uint64_t first,
                                             uint64_t count, uint32_t* out) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i weyl0 = _mm256_set1_epi32(static_cast<int>(philox::kWeyl0)),
                weyl1 = _mm256_set1_epi32(static_cast<int>(philox::kWeyl1));
  for (uint64_t chunk = first; chunk < first + count; ++chunk, out += kBitChunk) {
    const uint64_t block = chunk * kBitLanes;  // a multiple of kBitLanes: its lower word does not carry
    __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(static_cast<uint32_t>(block))), lanes),
            c1 = _mm256_set1_epi32(static_cast<int>(block >> 32)),
            c2 = _mm256_set1_epi32(static_cast<int>(stream.counter_high[0])),
            c3 = _mm256_set1_epi32(static_cast<int>(stream.counter_high[1])),
            k0 = _mm256_set1_epi32(static_cast<int>(stream.key[0])),
            k1 = _mm256_set1_epi32(static_cast<int>(stream.key[1]));
    for (int round = 0; round < philox::kRounds; ++round) {
      WideProduct a, b;
      multiply(c0, philox::kFactor0, a);
      multiply(c2, philox::kFactor1, b);
      c0 = _mm256_xor_si256(_mm256_xor_si256(b.high, c1), k0);
      c2 = _mm256_xor_si256(_mm256_xor_si256(a.high, c3), k1);
      c1 = b.low;
      c3 = a.low;
      k0 = _mm256_add_epi32(k0, weyl0);
      k1 = _mm256_add_epi32(k1, weyl1);
    }
    const __m256i low01 = _mm256_unpacklo_epi32(c0, c1), high01 = _mm256_unpackhi_epi32(c0, c1);
    const __m256i low23 = _mm256_unpacklo_epi32(c2, c3), high23 = _mm256_unpackhi_epi32(c2, c3);
    // Blocks n and n + 4 in each.
    const __m256i pairs[4] = {_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
                              _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)};
    auto* blocks = reinterpret_cast<__m128i*>(out);
    for (int i = 0; i < 4; ++i) {
      _mm_storeu_si128(blocks + i, _mm256_castsi256_si128(pairs[i]));
      _mm_storeu_si128(blocks + i + 4, _mm256_extracti128_si256(pairs[i], 1));
    }
  }
}

void bit_chunks(const philox::StreamStart& stream, uint64_t first, uint64_t count, uint32_t* out) {
  static const bool wide = __builtin_cpu_supports("avx2") != 0;
  (wide ? bit_chunks_avx2 : bit_chunks_portable)(stream, first, count, out);
}

#else

void bit_chunks(const philox::StreamStart& stream, uint64_t first, uint64_t count, uint32_t* out) {
  bit_chunks_portable(stream, first, count, out);
}

#endif

}  // namespace

void fill_bits(const philox::StreamStart& stream, uint64_t offset, std::span<uint32_t> out) {
  uint64_t chunk = offset / kBitChunk;
  const uint64_t skip = offset % kBitChunk;
  uint32_t* to = out.data();
  uint64_t left = out.size();
  uint32_t buffer[kBitChunk];
  if (skip > 0 && left > 0) {
    const uint64_t n = std::min(left, kBitChunk - skip);
    bit_chunks(stream, chunk++, 1, buffer);
    std::copy_n(buffer + skip, n, to);
    to += n;
    left -= n;
  }
  const uint64_t whole = left / kBitChunk;
  bit_chunks(stream, chunk, whole, to);
  if (left % kBitChunk == 0) return;
  bit_chunks(stream, chunk + whole, 1, buffer);
  std::copy_n(buffer, left % kBitChunk, to + whole * kBitChunk);
}

}  // namespace d2v
