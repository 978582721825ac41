// What reader and writer of safetensors share.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "d2v/base/safetensors.h"

namespace d2v::safetensors {

inline constexpr uint64_t kLargestHeader = 100'000'000;

std::optional<Dtype> dtype_of(std::string_view name);

}  // namespace d2v::safetensors
