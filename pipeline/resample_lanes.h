// Polyphase filters whose phases repeat: sixteen places of a recording at a time, four outputs of each. Private to the
// pipeline.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace d2v {

inline constexpr int64_t kLanes = 16;
inline constexpr int64_t kGroupOutputs = 4;

// Coefficients in the order in which they are read: of kGroupOutputs outputs after each other, input by input.
struct LaneTable {
  int64_t up = 1, down = 1;  // out / in in lowest terms
  int64_t taps = 0;          // inputs that one output looks at
  int64_t period = 0;        // outputs after which groups repeat: the least multiple of up and kGroupOutputs
  struct Group {
    int64_t first = 0;  // its first input, from that of the period's first output
    int64_t rows = 0;   // its inputs
    size_t at = 0;      // its (rows, kGroupOutputs) coefficients; zero where an output does not look
  };
  std::vector<Group> groups;  // period / kGroupOutputs
  std::vector<float> coefficients;
};

// `row(phase)`: the `taps` coefficients of outputs whose place is phase / up after an input.
LaneTable make_lane_table(int64_t up, int64_t down, int64_t taps,
                          const std::function<std::span<const float>(int64_t phase)>& row);

// Outputs first, first + 1, …; output j looks at inputs from j · down / up on. inputs[0] is input `start`; all others are zero.
// Each output is a sum over its inputs one after the other, products rounded: the same bits in any span and with any
// instruction set. `scratch` is memory of the caller's thread.
void resample_lanes(const LaneTable& table, std::span<const float> inputs, int64_t start, int64_t first,
                    std::span<float> outputs, std::vector<float>& scratch);

}  // namespace d2v
