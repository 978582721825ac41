// Antialiased bicubic resize with Pillow's arithmetic.
//
// Keys' cubic (a = -0.5) whose support grows with the reduction; weights are normalised in double precision and
// rounded to 22 fractional bits; the result of the first pass is rounded and clipped to 8 bits before the second. The
// horizontal pass comes first unless the height loses more than twice the pixels that the width does (as from Pillow
// 13.0 on). The result equals Image.resize(size, BICUBIC) of Pillow 13.0, also on the crop of a picture.
#pragma once

#include <cstdint>

#include "d2v/pipeline/image.h"

namespace d2v {

// The whole picture at a new size.
Image resize_bicubic(const Image& image, int64_t height, int64_t width);

// Box `window` of the picture resized to height × width, without computing the rest.
// Throws Error where a side is below 1 or the window leaves the result.
Image resize_bicubic(const Image& image, int64_t height, int64_t width, const Box& window);

// A box of the picture at a new size; its sides may lie within pixels. Not Pillow's: the horizontal pass always comes first.
// Throws Error where a side is below 1, or the box is empty or leaves the picture.
Image resize_bicubic(const Image& image, const RealBox& box, int64_t height, int64_t width);

}  // namespace d2v
