#include "resize_passes.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace d2v {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t clip(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

}  // namespace

namespace plain {

void resize_row(const uint8_t* row, int64_t, const Taps& taps, uint8_t* out) {
  const auto count = static_cast<int64_t>(taps.first.size());
  for (int64_t i = 0; i < count; ++i, out += 3) {
    const uint8_t* in = row + taps.first[i] * 3;
    const int32_t* weights = taps.weights.data() + i * taps.width;
    int32_t red = kHalf, green = kHalf, blue = kHalf;
    for (int64_t t = 0; t < taps.used[i]; ++t, in += 3) {
      red += in[0] * weights[t];
      green += in[1] * weights[t];
      blue += in[2] * weights[t];
    }
    out[0] = clip(red);
    out[1] = clip(green);
    out[2] = clip(blue);
  }
}

void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes, const int32_t* weights, int64_t count,
                uint8_t* out) {
  for (int64_t x = 0; x < bytes; ++x) {
    int32_t sum = kHalf;
    for (int64_t t = 0; t < count; ++t) sum += rows[t * stride + x] * weights[t];
    out[x] = clip(sum);
  }
}

}  // namespace plain

#if defined(__x86_64__)

namespace avx2 {

// A weight of 24 bits does not fit the 16-bit multiply-add, so it is split: weight = high·2^14 + low, low in [0, 2^14).
// Both halves of a pair of weights are multiplied and added by one instruction each; the sums are joined in int32,
// which is exact.
constexpr int kLowBits = 14;
constexpr int32_t kLowMask = (1 << kLowBits) - 1;

[[gnu::target("avx2"), gnu::always_inline]] inline int32_t pair_of(int32_t a, int32_t b) {
  return static_cast<int32_t>((static_cast<uint32_t>(a) & 0xffffu) | static_cast<uint32_t>(b) << 16);
}

[[gnu::target("avx2")]] void resize_row(const uint8_t* row, int64_t width, const Taps& taps, uint8_t* out) {
  const auto count = static_cast<int64_t>(taps.first.size());
  const __m128i spread = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  const __m128i spread_next = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  for (int64_t i = 0; i < count; ++i, out += 3) {
    const uint8_t* in = row + taps.first[i] * 3;
    const int32_t* weights = taps.weights.data() + i * taps.width;
    const int64_t used = taps.used[i];
    // Four taps are 12 bytes, of which 16 are loaded: not past the end of the row.
    const int64_t safe = std::min(used, width - taps.first[i] - 2) & ~int64_t{3};
    __m128i high = _mm_setzero_si128(), low = _mm_setzero_si128();
    int64_t t = 0;
    for (; t < safe; t += 4, in += 12) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
      const __m128i first = _mm_shuffle_epi8(bytes, spread), next = _mm_shuffle_epi8(bytes, spread_next);
      const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + t));
      const __m128i four_high = _mm_srai_epi32(four, kLowBits);
      const __m128i four_low = _mm_and_si128(four, _mm_set1_epi32(kLowMask));
      const __m128i high_pairs = _mm_packs_epi32(four_high, four_high),
                    low_pairs = _mm_packs_epi32(four_low, four_low);
      high = _mm_add_epi32(high, _mm_madd_epi16(first, _mm_shuffle_epi32(high_pairs, 0x00)));
      high = _mm_add_epi32(high, _mm_madd_epi16(next, _mm_shuffle_epi32(high_pairs, 0x55)));
      low = _mm_add_epi32(low, _mm_madd_epi16(first, _mm_shuffle_epi32(low_pairs, 0x00)));
      low = _mm_add_epi32(low, _mm_madd_epi16(next, _mm_shuffle_epi32(low_pairs, 0x55)));
    }
    const __m128i sums = _mm_add_epi32(_mm_slli_epi32(high, kLowBits), low);
    int32_t red = kHalf + _mm_extract_epi32(sums, 0), green = kHalf + _mm_extract_epi32(sums, 1),
            blue = kHalf + _mm_extract_epi32(sums, 2);
    for (; t < used; ++t, in += 3) {
      red += in[0] * weights[t];
      green += in[1] * weights[t];
      blue += in[2] * weights[t];
    }
    out[0] = clip(red);
    out[1] = clip(green);
    out[2] = clip(blue);
  }
}

[[gnu::target("avx2")]] void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes,
                                        const int32_t* weights, int64_t count, uint8_t* out) {
  constexpr int64_t kStep = 16;
  const __m128i zero_bytes = _mm_setzero_si128();
  int64_t x = 0;
  for (; x + kStep <= bytes; x += kStep) {
    __m256i high_a = _mm256_setzero_si256(), high_b = high_a, low_a = high_a, low_b = high_a;
    for (int64_t t = 0; t < count; t += 2) {
      const uint8_t* in = rows + t * stride + x;
      const int32_t second_weight = t + 1 < count ? weights[t + 1] : 0;
      const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
      const __m128i second =
          t + 1 < count ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + stride)) : zero_bytes;
      const __m256i a = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(first, second));
      const __m256i b = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(first, second));
      const __m256i high = _mm256_set1_epi32(pair_of(weights[t] >> kLowBits, second_weight >> kLowBits));
      const __m256i low = _mm256_set1_epi32(pair_of(weights[t] & kLowMask, second_weight & kLowMask));
      high_a = _mm256_add_epi32(high_a, _mm256_madd_epi16(a, high));
      high_b = _mm256_add_epi32(high_b, _mm256_madd_epi16(b, high));
      low_a = _mm256_add_epi32(low_a, _mm256_madd_epi16(a, low));
      low_b = _mm256_add_epi32(low_b, _mm256_madd_epi16(b, low));
    }
    const __m256i half = _mm256_set1_epi32(kHalf);
    const auto join = [&](__m256i high, __m256i low) __attribute__((target("avx2"))) {
      const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low), half);
      return _mm256_srai_epi32(sum, kWeightBits);
    };
    // Packing works per 128-bit lane; the permutation puts the words back in order.
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(join(high_a, low_a), join(high_b, low_b)), 0xd8);
    const __m128i packed =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), packed);
  }
  for (; x < bytes; ++x) {
    int32_t sum = kHalf;
    for (int64_t t = 0; t < count; ++t) sum += rows[t * stride + x] * weights[t];
    out[x] = clip(sum);
  }
}

}  // namespace avx2

namespace {
bool has_avx2() {
  static const bool result = __builtin_cpu_supports("avx2") != 0;
  return result;
}
}  // namespace

void resize_row(const uint8_t* row, int64_t width, const Taps& taps, uint8_t* out) {
  has_avx2() ? avx2::resize_row(row, width, taps, out) : plain::resize_row(row, width, taps, out);
}

void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes, const int32_t* weights, int64_t count,
                uint8_t* out) {
  has_avx2() ? avx2::blend_rows(rows, stride, bytes, weights, count, out)
             : plain::blend_rows(rows, stride, bytes, weights, count, out);
}

#else

void resize_row(const uint8_t* row, int64_t width, const Taps& taps, uint8_t* out) {
  plain::resize_row(row, width, taps, out);
}

void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes, const int32_t* weights, int64_t count,
                uint8_t* out) {
  plain::blend_rows(rows, stride, bytes, weights, count, out);
}

#endif

}  // namespace d2v
