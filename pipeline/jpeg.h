// JPEG through the libjpeg API. Private to the pipeline.
#pragma once

#include <span>

#include "d2v/pipeline/image_reader.h"

namespace d2v {

// Stored size (before orientation). Throws DataError.
ImageInfo read_jpeg_info(std::span<const uint8_t> file);

// A box of the stored picture at eighths / 8 of its size, rounded up; `box` counts pixels of that. `whole` says that it is all of
// it. Throws DataError.
Image decode_jpeg(std::span<const uint8_t> file, const Box& box, bool whole, int eighths = 8);

}  // namespace d2v
