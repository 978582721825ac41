// WebP through libwebp. Private to the pipeline.
#pragma once

#include <span>

#include "d2v/pipeline/image_reader.h"

namespace d2v {

// Size of the canvas, from the header. Throws DataError.
ImageInfo read_webp_info(std::span<const uint8_t> file);

// The whole picture, of an animation the first frame on its canvas, over white. Throws DataError.
Image decode_webp(std::span<const uint8_t> file, int64_t width, int64_t height);

}  // namespace d2v
