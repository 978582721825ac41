#include "mask_random.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#define D2V_MASK_RANDOM_AVX2 1
#endif

namespace d2v {
namespace {

#ifdef D2V_MASK_RANDOM_AVX2

struct WideProduct {
  __m256i low, high;
};

[[gnu::target("avx2"), gnu::always_inline]] inline WideProduct multiply(__m256i x, uint32_t factor) {
  const __m256i by = _mm256_set1_epi64x(factor);
  const __m256i even = _mm256_mul_epu32(x, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), by);
  return {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa),
          _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}

// Blocks counter[0], counter[0] + 1, …, counter[0] + 7, one after another.
[[gnu::target("avx2")]] void eight_blocks(const std::array<uint32_t, 4>& counter,
                                          const std::array<uint32_t, 2>& key, uint32_t* out) {
  const auto all = [](uint32_t x) __attribute__((target("avx2"))) {
    return _mm256_set1_epi32(static_cast<int>(x));
  };
  __m256i c0 = _mm256_add_epi32(all(counter[0]), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  __m256i c1 = all(counter[1]), c2 = all(counter[2]), c3 = all(counter[3]);
  __m256i k0 = all(key[0]), k1 = all(key[1]);
  for (int round = 0; round < 10; ++round) {
    const WideProduct a = multiply(c0, 0xD2511F53u), b = multiply(c2, 0xCD9E8D57u);
    c0 = _mm256_xor_si256(_mm256_xor_si256(b.high, c1), k0);
    c2 = _mm256_xor_si256(_mm256_xor_si256(a.high, c3), k1);
    c1 = b.low;
    c3 = a.low;
    k0 = _mm256_add_epi32(k0, all(0x9E3779B9u));
    k1 = _mm256_add_epi32(k1, all(0xBB67AE85u));
  }
  const __m256i low01 = _mm256_unpacklo_epi32(c0, c1), high01 = _mm256_unpackhi_epi32(c0, c1);
  const __m256i low23 = _mm256_unpacklo_epi32(c2, c3), high23 = _mm256_unpackhi_epi32(c2, c3);
  // Blocks n and n + 4 in each.
  const __m256i pairs[4] = {_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
                            _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)};
  auto* blocks = reinterpret_cast<__m128i*>(out);
  for (int i = 0; i < 4; ++i) {
    _mm_store_si128(blocks + i, _mm256_castsi256_si128(pairs[i]));
    _mm_store_si128(blocks + i + 4, _mm256_extracti128_si256(pairs[i], 1));
  }
}

bool philox_is_wide() {
  static const bool result = __builtin_cpu_supports("avx2") != 0;
  return result;
}

#endif

}  // namespace

// The start of a key's stream, as class Philox has it (philox.cpp).
MaskRandom::MaskRandom(const RngKey& key) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const auto stream = static_cast<uint32_t>(key.stream);
  const auto first =
      philox4x32({low(key.seed), high(key.seed), low(key.step), high(key.step)}, {stream, 0x64327631u});
  const auto second = philox4x32({first[0] ^ low(key.sample), first[1] ^ high(key.sample),
                                  first[2] ^ key.occurrence, first[3] ^ key.clone},
                                 {stream, 0x64327632u});
  key_ = {second[0], second[1]};
  counter_ = {0, 0, second[2], second[3]};
}

// No mask takes the 2^34 numbers after which the counter's second word would change.
void MaskRandom::refill() {
  used_ = 0;
#ifdef D2V_MASK_RANDOM_AVX2
  if (philox_is_wide()) {
    eight_blocks(counter_, key_, ahead_.data());
    counter_[0] += kAhead / 4;
    return;
  }
#endif
  for (uint32_t at = 0; at < kAhead; at += 4, ++counter_[0]) {
    const std::array<uint32_t, 4> block = philox4x32(counter_, key_);
    std::copy(block.begin(), block.end(), ahead_.begin() + at);
  }
}

}  // namespace d2v
