// JPEG files from pictures.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/pipeline/image.h"

namespace d2v {

// The bytes of a baseline JPEG with 4:2:0 chroma. `quality` is libjpeg's, 1 to 100. The same bytes on every call. Throws
// DataError where libjpeg refuses the picture: a side above 65500.
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

}  // namespace d2v
