// Normal numbers in bulk. Compiled without errno for sqrt and without contraction to fused multiply-add
// (CMakeLists.txt), so that every processor gives the same bits.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/base/philox_functor.h"

namespace d2v {
namespace {

using philox::kChunk, philox::kLanes, philox::StreamStart;

// Box-Muller on kLanes pairs.
[[gnu::always_inline]] inline void box_muller(const uint32_t* u, const uint32_t* v, float* out, float mean,
                                              float std) {
  for (int i = 0; i < kLanes; ++i) philox::normal_pair(u[i], v[i], mean, std, out[i], out[kLanes + i]);
}

// Numbers kChunk·chunk … of the stream.
[[gnu::always_inline]] inline void one_chunk(const StreamStart& state, uint64_t chunk, float* out, float mean,
                                             float std) {
  uint32_t c0[kLanes], c1[kLanes], c2[kLanes], c3[kLanes];
  const uint64_t first = chunk * kLanes | philox::kNormalBlocks;
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

[[gnu::always_inline]] inline void chunks(const StreamStart& state, uint64_t first, uint64_t count,
                                          float* out, float mean, float std) {
  for (uint64_t i = 0; i < count; ++i) one_chunk(state, first + i, out + i * kChunk, mean, std);
}

void chunks_portable(const StreamStart& state, uint64_t first, uint64_t count, float* out, float mean,
                     float std) {
  chunks(state, first, count, out, mean, std);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void chunks_avx2(const StreamStart& state, uint64_t first, uint64_t count, float* out,
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
  const StreamStart state = philox::start_of(key);
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
