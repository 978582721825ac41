// EXIF orientation: how the camera was held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "d2v/pipeline/image.h"

namespace d2v {

// Orientation 1 to 8 (TIFF tag 0x0112) of a TIFF structure, which EXIF data is ("II*\0" or "MM\0*" first). 1 where the
// tag is missing, out of range or the data is damaged: like Pillow, a broken EXIF does not make a picture unreadable.
int exif_orientation(std::span<const uint8_t> tiff);

// The same from the whole file: APP1 of a JPEG, eXIf of a PNG, EXIF of a WebP; 1 for everything else.
int jpeg_orientation(std::span<const uint8_t> file);
int png_orientation(std::span<const uint8_t> file);
int webp_orientation(std::span<const uint8_t> file);

// Orientations 5 to 8 exchange width and height.
inline bool swaps_sides(int orientation) { return orientation >= 5; }

// Turns stored pixels into upright ones (what Pillow's exif_transpose does).
Image apply_orientation(Image stored, int orientation);

// The box of the stored picture whose upright form is `upright`; width and height are those of the stored picture.
Box stored_box(const Box& upright, int orientation, int64_t stored_width, int64_t stored_height);

}  // namespace d2v
