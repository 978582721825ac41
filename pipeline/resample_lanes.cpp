#include "resample_lanes.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace d2v {
namespace {

// Inputs of a lane at a time, besides those that the filter looks ahead: sixteen lanes of them lie in the second-level cache.
constexpr int64_t kLaneInputs = 2048;

using Four = float __attribute__((vector_size(16)));

[[gnu::always_inline]] inline void transpose(Four& a, Four& b, Four& c, Four& d) {
  const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
             ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
             cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

// Into (rows, kLanes): input `at` + r of the first lane, `step` further on of each next one.
void interleave(std::span<const float> inputs, int64_t at, int64_t step, int64_t rows, float* out) {
  const auto size = static_cast<int64_t>(inputs.size());
  const auto load = [&](int64_t from) {
    Four four{};
    if (from >= 0 && from + 4 <= size) {
      std::memcpy(&four, inputs.data() + from, sizeof four);
    } else {
      for (int64_t i = 0; i < 4; ++i)
        if (from + i >= 0 && from + i < size) four[i] = inputs[static_cast<size_t>(from + i)];
    }
    return four;
  };
  for (int64_t lane = 0; lane < kLanes; lane += 4) {
    const int64_t from = at + lane * step;
    for (int64_t r = 0; r < rows; r += 4) {
      Four a = load(from + r), b = load(from + step + r), c = load(from + 2 * step + r),
           d = load(from + 3 * step + r);
      transpose(a, b, c, d);
      float* to = out + r * kLanes + lane;
      std::memcpy(to, &a, sizeof a);
      std::memcpy(to + kLanes, &b, sizeof b);
      std::memcpy(to + 2 * kLanes, &c, sizeof c);
      std::memcpy(to + 3 * kLanes, &d, sizeof d);
    }
  }
}

// A group's outputs of all lanes (kGroupOutputs, kLanes) from inputs (rows, kLanes). Two vectors of lanes at a time: eight sums
// stay in registers and each coefficient is used twice.
template <class Vector>
[[gnu::always_inline]] inline void group_with(const float* inputs, const float* coefficients, int64_t rows,
                                              float* out) {
  constexpr int64_t kSize = sizeof(Vector) / sizeof(float);
  for (int64_t lane = 0; lane < kLanes; lane += 2 * kSize) {
    Vector left[kGroupOutputs]{}, right[kGroupOutputs]{};
    const float* in = inputs + lane;
    const float* row = coefficients;
    for (int64_t r = 0; r < rows; ++r, in += kLanes, row += kGroupOutputs) {
      Vector x, y;
      std::memcpy(&x, in, sizeof x);
      std::memcpy(&y, in + kSize, sizeof y);
#pragma GCC unroll 4
      for (int64_t p = 0; p < kGroupOutputs; ++p) {
        left[p] += x * row[p];
        right[p] += y * row[p];
      }
    }
#pragma GCC unroll 4
    for (int64_t p = 0; p < kGroupOutputs; ++p) {
      std::memcpy(out + p * kLanes + lane, &left[p], sizeof left[p]);
      std::memcpy(out + p * kLanes + lane + kSize, &right[p], sizeof right[p]);
    }
  }
}

void group_plain(const float* inputs, const float* coefficients, int64_t rows, float* out) {
  group_with<Four>(inputs, coefficients, rows, out);
}

// The sets named here cannot fuse a product into a sum, which would round it differently.
#if defined(__x86_64__)
using Eight = float __attribute__((vector_size(32)));
[[gnu::target("avx2")]] void group_avx2(const float* inputs, const float* coefficients, int64_t rows,
                                        float* out) {
  group_with<Eight>(inputs, coefficients, rows, out);
}
#endif

auto best_group() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return group_avx2;
#endif
  return group_plain;
}

// A group's outputs to their places, those of lane l at `at` + l · step; what lies outside of `outputs` is dropped.
void spread(const float* group, int64_t at, int64_t step, std::span<float> outputs) {
  const auto size = static_cast<int64_t>(outputs.size());
  for (int64_t lane = 0; lane < kLanes; lane += 4) {
    Four of[4];
    for (int64_t p = 0; p < kGroupOutputs; ++p) std::memcpy(&of[p], group + p * kLanes + lane, sizeof of[p]);
    transpose(of[0], of[1], of[2], of[3]);
    for (int64_t l = 0; l < 4; ++l) {
      const int64_t to = at + (lane + l) * step;
      if (to >= 0 && to + kGroupOutputs <= size) {
        std::memcpy(outputs.data() + to, &of[l], sizeof of[l]);
      } else {
        for (int64_t p = 0; p < kGroupOutputs; ++p)
          if (to + p >= 0 && to + p < size) outputs[static_cast<size_t>(to + p)] = of[l][p];
      }
    }
  }
}

// The next place that a line of the cache begins at; `kLanes` floats are one.
float* aligned(float* memory) {
  constexpr uintptr_t kLine = kLanes * sizeof(float);
  return memory + (kLine - reinterpret_cast<uintptr_t>(memory) % kLine) / sizeof(float);
}

}  // namespace

LaneTable make_lane_table(int64_t up, int64_t down, int64_t taps,
                          const std::function<std::span<const float>(int64_t phase)>& row) {
  LaneTable table{.up = up,
                  .down = down,
                  .taps = taps,
                  .period = std::lcm(up, kGroupOutputs),
                  .groups = {},
                  .coefficients = {}};
  for (int64_t output = 0; output < table.period; output += kGroupOutputs) {
    const int64_t first = output * down / up, last = (output + kGroupOutputs - 1) * down / up;
    const LaneTable::Group group{first, last - first + taps, table.coefficients.size()};
    table.groups.push_back(group);
    table.coefficients.resize(group.at + static_cast<size_t>(group.rows * kGroupOutputs), 0);
    for (int64_t p = 0; p < kGroupOutputs; ++p) {
      const int64_t place = (output + p) * down;
      const std::span<const float> from = row(place % up);
      for (int64_t k = 0; k < taps; ++k)
        table.coefficients[group.at + static_cast<size_t>((place / up - first + k) * kGroupOutputs + p)] =
            from[static_cast<size_t>(k)];
    }
  }
  return table;
}

void resample_lanes(const LaneTable& table, std::span<const float> inputs, int64_t start, int64_t first,
                    std::span<float> outputs, std::vector<float>& scratch) {
  const auto group = best_group();
  const int64_t period_inputs = table.period / table.up * table.down;
  const int64_t longest = std::max<int64_t>(1, kLaneInputs / period_inputs) * table.period;
  const int64_t end = first + static_cast<int64_t>(outputs.size());
  int64_t at = first - first % table.period;  // groups stand at the same places in every span
  while (at < end) {
    const int64_t share = (end - at + kLanes - 1) / kLanes;
    const int64_t length = std::min(longest, (share + table.period - 1) / table.period * table.period);
    const int64_t step = length / table.up * table.down;
    const int64_t rows = (step + table.taps + kGroupOutputs * (table.down / table.up + 1) + 3) / 4 * 4;
    scratch.resize(static_cast<size_t>((rows + kGroupOutputs + 1) * kLanes));
    float* const group_outputs = aligned(scratch.data());
    float* const lanes = group_outputs + kGroupOutputs * kLanes;
    interleave(inputs, at / table.up * table.down - start, step, rows, lanes);
    for (int64_t done = 0; done < length; done += table.period) {
      const float* const period = lanes + done / table.up * table.down * kLanes;
      for (size_t g = 0; g < table.groups.size(); ++g) {
        const LaneTable::Group& one = table.groups[g];
        group(period + one.first * kLanes, table.coefficients.data() + one.at, one.rows, group_outputs);
        spread(group_outputs, at + done + static_cast<int64_t>(g) * kGroupOutputs - first, length, outputs);
      }
    }
    at += kLanes * length;
  }
}

}  // namespace d2v
