// Checks of PNG files that stb_image does not make. Private to the pipeline.
#pragma once

#include <cstdint>
#include <span>

namespace d2v {

// Throws DataError where the checksum of a chunk that the picture needs is wrong. What follows a cut is not looked at:
// the decoder reports that.
void check_png_chunks(std::span<const uint8_t> file);

}  // namespace d2v
