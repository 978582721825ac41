// Weights of one pass of the resize. Private to the pipeline.
#pragma once

#include <cstdint>
#include <vector>

namespace d2v {

inline constexpr int kWeightBits = 22;  // 32 bits - 8 of a pixel - 2 of headroom

// For outputs first … first + count - 1 of `out` in all: the first input of each and `width` weights, zero-padded.
struct Taps {
  int64_t width = 0;
  std::vector<int64_t> first;    // (count)
  std::vector<int64_t> used;     // (count) taps that are not padding
  std::vector<int32_t> weights;  // (count, width)
};
Taps bicubic_taps(int64_t in, int64_t out, int64_t first, int64_t count);

// The same where the outputs cover [begin, begin + extent) of the inputs only; what lies outside is read where the filter
// reaches it.
Taps bicubic_taps(int64_t in, double begin, double extent, int64_t out, int64_t first, int64_t count);

}  // namespace d2v
