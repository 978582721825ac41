// Normal numbers in bulk. Compiled without errno for sqrt and without contraction to fused multiply-add
// (CMakeLists.txt), so that every processor gives the same bits.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "philox_rounds.h"

namespace d2v {
namespace {

constexpr int kLanes = 8;           // Philox blocks side by side
constexpr int kChunk = 4 * kLanes;  // numbers they give

// -2·ln(x) of x in (0, 1]; relative error about 1e-7. Range reduction to [sqrt(1/2), sqrt(2)), then the
// series of 2·artanh(s), s = (m-1)/(m+1).
[[gnu::always_inline]] inline float minus_two_log(float x) {
  const int32_t bits = std::bit_cast<int32_t>(x);
  const int32_t shifted = bits - 0x3f3504f3;  // of sqrt(1/2)
  const float exponent = static_cast<float>(shifted >> 23);
  const float m = std::bit_cast<float>((shifted & 0x007fffff) + 0x3f3504f3);
  const float s = (m - 1) / (m + 1);
  const float t = s * s;
  const float series = 2 * s + s * t * (0.66666667f + t * (0.4f + t * (0.28571429f + t * 0.22222222f)));
  const float result = -2 * (exponent * 0.69314718f + series);
  return result > 0 ? result : 0;
}

// cos and sin of 2π·u/2^32: the upper two bits are the quadrant, the rest an angle in [-π/4, π/4).
[[gnu::always_inline]] inline void cos_sin(uint32_t u, float& cosine, float& sine) {
  const float a =
      static_cast<float>(static_cast<int32_t>(u & 0x3fffffffu) - (1 << 29)) * 1.4629180792671596e-9f;
  const float t = a * a;
  const float s = a + a * t * (-0.16666667f + t * (8.3333333e-3f + t * (-1.9841270e-4f + t * 2.7557319e-6f)));
  const float c = 1 + t * (-0.5f + t * (4.1666667e-2f + t * (-1.3888889e-3f + t * 2.4801587e-5f)));
  const uint32_t si = std::bit_cast<uint32_t>(s), ci = std::bit_cast<uint32_t>(c);
  const uint32_t swap = 0u - (u >> 30 & 1);            // all ones in the odd quadrants
  const uint32_t sign_c = (u ^ u << 1) & 0x80000000u;  // cos is negative in quadrants 1 and 2
  const uint32_t sign_s = u & 0x80000000u;             // sin in 2 and 3
  cosine = std::bit_cast<float>(((ci & ~swap) | (si & swap)) ^ sign_c);
  sine = std::bit_cast<float>(((si & ~swap) | (ci & swap)) ^ sign_s);
}

// Box-Muller on kLanes pairs.
[[gnu::always_inline]] inline void box_muller(const uint32_t* u, const uint32_t* v, float* out, float mean,
                                              float std) {
  for (int i = 0; i < kLanes; ++i) {
    const float x = static_cast<float>(static_cast<int32_t>(u[i] >> 1)) * 0x1p-31f + 0x1p-32f;
    const float radius = std * std::sqrt(minus_two_log(x));
    float cosine, sine;
    cos_sin(v[i], cosine, sine);
    out[i] = mean + radius * cosine;
    out[kLanes + i] = mean + radius * sine;
  }
}

// Numbers kChunk·chunk … of the stream.
[[gnu::always_inline]] inline void one_chunk(const PhiloxState& state, uint64_t chunk, float* out, float mean,
                                             float std) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  const uint64_t first = chunk * kLanes | uint64_t{1} << 63;
  for (int i = 0; i < kLanes; ++i) {
    c0[i] = static_cast<uint32_t>(first) + static_cast<uint32_t>(i);  // first is a multiple of kLanes
    c1[i] = static_cast<uint32_t>(first >> 32);
    c2[i] = state.counter_high[0];
    c3[i] = state.counter_high[1];
  }
  uint32_t k0 = state.key[0], k1 = state.key[1];
  for (int round = 0; round < philox::kRounds; ++round) {
    for (int i = 0; i < kLanes; ++i) philox::round(c0[i], c1[i], c2[i], c3[i], k0, k1);
    k0 += philox::kWeyl0;
    k1 += philox::kWeyl1;
  }
  box_muller(c0, c1, out, mean, std);
  box_muller(c2, c3, out + 2 * kLanes, mean, std);
}

[[gnu::always_inline]] inline void chunks(const PhiloxState& state, uint64_t first, uint64_t count,
                                          float* out, float mean, float std) {
  for (uint64_t i = 0; i < count; ++i) one_chunk(state, first + i, out + i * kChunk, mean, std);
}

void chunks_portable(const PhiloxState& state, uint64_t first, uint64_t count, float* out, float mean,
                     float std) {
  chunks(state, first, count, out, mean, std);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void chunks_avx2(const PhiloxState& state, uint64_t first, uint64_t count, float* out,
                                         float mean, float std) {
  chunks(state, first, count, out, mean, std);
}
const auto chunks_best = __builtin_cpu_supports("avx2") ? chunks_avx2 : chunks_portable;
#else
constexpr auto chunks_best = chunks_portable;
#endif

}  // namespace

void fill_normal(const RngKey& key, int64_t offset, std::span<float> out, float mean, float std) {
  check(offset >= 0, "fill_normal: expected an offset of at least 0, found {}", offset);
  const PhiloxState state = philox_state(key);
  uint64_t chunk = static_cast<uint64_t>(offset) / kChunk;
  const size_t skip = static_cast<size_t>(offset) % kChunk;
  float* to = out.data();
  size_t left = out.size();
  float buffer[kChunk];
  if (skip > 0 && left > 0) {
    const size_t n = std::min(left, kChunk - skip);
    chunks_best(state, chunk++, 1, buffer, mean, std);
    std::memcpy(to, buffer + skip, n * sizeof(float));
    to += n;
    left -= n;
  }
  const size_t whole = left / kChunk;
  chunks_best(state, chunk, whole, to, mean, std);
  left -= whole * kChunk;
  if (left > 0) {
    chunks_best(state, chunk + whole, 1, buffer, mean, std);
    std::memcpy(to + whole * kChunk, buffer, left * sizeof(float));
  }
}

}  // namespace d2v
