// PNG files from pictures.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/pipeline/image.h"

namespace d2v {

// The bytes of an RGB PNG.
std::vector<uint8_t> encode_png(const Image& image);

}  // namespace d2v
