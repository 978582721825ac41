// The arithmetic of Philox4x32-10 and of its normal numbers, for the host and for CUDA kernels (philox.h says what the
// streams are). Element i of a stream depends on the key and i alone, so any thread may compute any element.
//
// The same bits everywhere: compile with contraction to fused multiply-add off (-ffp-contract=off, nvcc --fmad=false).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "d2v/base/host_device.h"
#include "d2v/base/philox.h"

namespace d2v::philox {

inline constexpr int kRounds = 10;
inline constexpr uint32_t kFactor0 = 0xD2511F53u, kFactor1 = 0xCD9E8D57u;
inline constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;

D2V_HOST_DEVICE void round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t k0, uint32_t k1) {
  const uint64_t a = uint64_t{kFactor0} * c0;
  const uint64_t b = uint64_t{kFactor1} * c2;
  c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
  c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
  c1 = static_cast<uint32_t>(b);
  c3 = static_cast<uint32_t>(a);
}

// One block: 128 random bits.
struct Block {
  uint32_t word[4];
};
D2V_HOST_DEVICE Block block(Block counter, uint32_t key0, uint32_t key1) {
  Block c = counter;
  for (int i = 0; i < kRounds; ++i) {
    round(c.word[0], c.word[1], c.word[2], c.word[3], key0, key1);
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return c;
}

// Where the stream of a key starts: Philox's key, and the upper half of its counter. The lower half counts blocks;
// numbers drawn one by one use blocks from 0 up, bulk normal numbers those from 2^63 up.
struct StreamStart {
  uint32_t key[2];
  uint32_t counter_high[2];
};
D2V_HOST_DEVICE StreamStart start_of(const RngKey& key) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const uint32_t stream = static_cast<uint32_t>(key.stream);
  // Two applications of a bijection of the counter: of one stream, no two keys that agree in (seed, step) or
  // in (sample, occurrence, clone) can ever collide.
  const Block first =
      block({{low(key.seed), high(key.seed), low(key.step), high(key.step)}}, stream, 0x64327631u);
  const Block second = block({{first.word[0] ^ low(key.sample), first.word[1] ^ high(key.sample),
                               first.word[2] ^ key.occurrence, first.word[3] ^ key.clone}},
                             stream, 0x64327632u);
  return {{second.word[0], second.word[1]}, {second.word[2], second.word[3]}};
}

D2V_HOST_DEVICE Block block_at(const StreamStart& start, uint64_t counter) {
  return block({{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), start.counter_high[0],
                 start.counter_high[1]}},
               start.key[0], start.key[1]);
}

// What the first call of Philox::uniform gives: [0, 1), 53 bits.
D2V_HOST_DEVICE double first_uniform(const StreamStart& start) {
  const Block b = block_at(start, 0);
  const uint64_t bits = uint64_t{b.word[1]} << 32 | b.word[0];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

// -2·ln(x) of x in (0, 1]; relative error about 1e-7. Range reduction to [sqrt(1/2), sqrt(2)), then the series of
// 2·artanh(s), s = (m-1)/(m+1).
D2V_HOST_DEVICE float minus_two_log(float x) {
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
D2V_HOST_DEVICE void cos_sin(uint32_t u, float& cosine, float& sine) {
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

// Two normal numbers from two words (Box-Muller).
D2V_HOST_DEVICE void normal_pair(uint32_t u, uint32_t v, float mean, float std, float& first, float& second) {
  const float x = static_cast<float>(static_cast<int32_t>(u >> 1)) * 0x1p-31f + 0x1p-32f;
  const float radius = std * std::sqrt(minus_two_log(x));
  float cosine, sine;
  cos_sin(v, cosine, sine);
  first = mean + radius * cosine;
  second = mean + radius * sine;
}

// Bulk normal numbers come in chunks of kChunk, made of kLanes blocks side by side: block `lane` of a chunk gives its
// elements lane, lane + kLanes, lane + 2·kLanes and lane + 3·kLanes.
inline constexpr int kLanes = 8;
inline constexpr int kChunk = 4 * kLanes;
inline constexpr uint64_t kNormalBlocks = uint64_t{1} << 63;

struct FourNormals {
  float value[4];
};
D2V_HOST_DEVICE FourNormals normals_of_block(const StreamStart& start, uint64_t chunk, int lane, float mean,
                                             float std) {
  const Block b = block_at(start, (chunk * kLanes | kNormalBlocks) + static_cast<uint64_t>(lane));
  FourNormals out;
  normal_pair(b.word[0], b.word[1], mean, std, out.value[0], out.value[1]);
  normal_pair(b.word[2], b.word[3], mean, std, out.value[2], out.value[3]);
  return out;
}

// Element i of the stream that fill_normal writes.
D2V_HOST_DEVICE float normal_at(const StreamStart& start, uint64_t i, float mean, float std) {
  const int in_chunk = static_cast<int>(i % kChunk);
  const FourNormals four = normals_of_block(start, i / kChunk, in_chunk % kLanes, mean, std);
  const int which = in_chunk / kLanes;
  return which == 0 ? four.value[0] : which == 1 ? four.value[1] : which == 2 ? four.value[2] : four.value[3];
}

// Keys of the places where something is dropped: `site` tells apart the places of one network, and attention has a
// stream of its own for every head and query.
D2V_HOST_DEVICE RngKey at_site(RngKey key, Stream stream, uint32_t site) {
  key.stream = stream;
  key.seed ^= (static_cast<uint64_t>(site) + 1) * 0x9E3779B97F4A7C15ull;
  return key;
}
D2V_HOST_DEVICE RngKey at_query(const RngKey& row, uint32_t site, int64_t head, int64_t query) {
  RngKey key = at_site(row, Stream::dropout, site);
  key.seed += (static_cast<uint64_t>(head) << 32 | static_cast<uint64_t>(query)) * 0xD1B54A32D192ED03ull;
  return key;
}

}  // namespace d2v::philox
