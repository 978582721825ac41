// One reduced copy of a picture. Private to the pipeline.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "d2v/pipeline/prepare_images.h"

namespace d2v {

// "png" or "jpg".
std::string_view copy_ending(const PrepareImages& settings);

// The bytes of the copy. Throws DataError with the reason, without a name.
std::vector<uint8_t> picture_copy(std::span<const uint8_t> file, const PrepareImages& settings);

}  // namespace d2v
