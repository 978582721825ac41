// Flat arenas as the tensors of a safetensors file, one per parameter.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/safetensors.h"
#include "d2v/nn/parameters.h"

namespace d2v {

// An arena (flat fp32) whose parameters are stored under `prefix` + name, those that `stored` selects.
struct StoredArena {
  std::string prefix;
  at::Tensor arena;
  std::function<bool(const Parameter&)> stored;
};

std::vector<TensorToStore> tensors_of(const ParameterLayout& layout, std::span<const StoredArena> arenas);

// What a file may hold beyond the arenas.
enum class Strictness {
  exact,               // nothing
  moments_may_follow,  // Adam's moments
  others_may_follow,   // moments, teacher, positions
};

// Throws DataError unless the file has every tensor in its shape as F32 and nothing more than allowed. The message
// counts and names the differences.
void check_fit(const SafetensorsReader& file, const ParameterLayout& layout,
               std::span<const StoredArena> arenas, Strictness strictness);

// Copies the file's values into the arenas; check_fit must have passed.
void copy_into(const SafetensorsReader& file, const ParameterLayout& layout,
               std::span<const StoredArena> arenas);

// Positions (1, d·d, D) of the file, interpolated to `shape` where the grid differs. Throws DataError when they are
// absent, of another width, or no square grid.
at::Tensor interpolated(const SafetensorsReader& file, const std::string& name,
                        const std::vector<int64_t>& shape);

}  // namespace d2v
