// One step under observation: what it allocates, and its time by kind of operation. Observation costs time, so that
// such a step is no part of a timing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "d2v/base/part_clock.h"

namespace d2v {

// By the names of LibTorch's operations. `own` is what runs outside of them: the own kernels, and C++ between operations.
enum class OpKind { matrix_product, attention, convolution, norm, gelu, copy, element_wise, own };
inline constexpr std::array<std::string_view, 8> kOpKindNames{
    "matrix products", "attention",    "convolutions", "norms", "gelu",
    "copies, fills",   "element-wise", "own kernels"};

// "aten::addmm", "AddmmBackward0", or the name of a node of our own. Of a kind that is not known: element-wise.
OpKind kind_of_op(std::string_view name);

// What LibTorch's allocator gave out during the step: blocks, bytes of them all, and the most bytes at one time. The
// memory of kernels that do not ask that allocator is missing.
struct Allocations {
  int64_t count = 0;
  int64_t bytes = 0;
  int64_t most_live_bytes = 0;
};

struct ObservedStep {
  Allocations allocations;
  // Seconds spent in operations of a kind, those that they call apart, by part and pass of the step.
  struct Entry {
    StepPart part;
    StepPass pass;
    OpKind kind;
    double seconds;
  };
  std::vector<Entry> times;  // without empty ones
  double seconds(OpKind kind) const;
  double seconds(StepPart part, StepPass pass, OpKind kind) const;
};

// Runs `step` once; the clock, which the step's objective must be measured with, says where it is.
ObservedStep observe_step(PartClock& clock, const std::function<void()>& step);

}  // namespace d2v
