// PNG, BMP, GIF, TGA and binary PNM through stb_image. Private to the pipeline.
#pragma once

#include <span>

#include "d2v/pipeline/image_reader.h"

namespace d2v {

// Size from the header. Throws DataError.
ImageInfo read_stb_info(std::span<const uint8_t> file, ImageFormat format);

// The whole picture over white. Throws DataError.
Image decode_stb(std::span<const uint8_t> file, int64_t width, int64_t height);

}  // namespace d2v
