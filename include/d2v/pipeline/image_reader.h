// Readers of picture files: bytes to 8-bit RGB, upright.
//
// The format is told by the content, never by the file's name. JPEG (all of libjpeg-turbo's: baseline, progressive,
// arithmetic, gray, CMYK, YCCK) and PNG, WebP and GIF (of both the first frame), BMP, TGA, binary PNM. Gray, palette, 16-bit
// and CMYK become RGB as in Pillow (16 bits: the upper 8); alpha is composited over white. EXIF orientation is applied.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "d2v/pipeline/image.h"

namespace d2v {

enum class ImageFormat { jpeg, png, webp, bmp, gif, tga, pnm, unsupported };

// What the header says. Width and height are those of the upright picture.
struct ImageInfo {
  ImageFormat format = ImageFormat::unsupported;
  int64_t width = 0;
  int64_t height = 0;
  int orientation = 1;  // EXIF
};

// Reads the header only. Throws DataError with the reason, without the file's name: not a picture, unsupported format,
// broken header, no pixels, or more than max_pixels of them.
ImageInfo read_image_info(std::span<const uint8_t> file, int64_t max_pixels);

// Decodes the whole picture. Throws DataError as above, and where the pixels are broken or end too early: what Pillow
// refuses as truncated is refused here; damage that libjpeg bridges with a warning is not.
Image decode_image(std::span<const uint8_t> file, const ImageInfo& info);

// Decodes a box of the upright picture, exactly the pixels of decode_image; decodes less than all where that is faster.
// Throws DataError as above, Error where the box leaves the picture.
Image decode_box(std::span<const uint8_t> file, const ImageInfo& info, const Box& box);

// A picture that holds a box, and where that lies in it.
struct ScaledBox {
  Image image;
  RealBox box;
};

// A box of the upright picture; of a JPEG at 1/8, 1/4 or 1/2 of its size, the smallest at which both of the box's sides still have
// `least` pixels. libjpeg then leaves the fine waves of each block out (DCT scaling): faster than decode_box, and close to what
// a resize makes of it, not equal. Other formats, and boxes too small for that: decode_box. Throws as decode_box.
ScaledBox decode_box_scaled(std::span<const uint8_t> file, const ImageInfo& info, const Box& box,
                            int64_t least);

// read_image_info and decode_image in one.
Image decode_image(std::span<const uint8_t> file, int64_t max_pixels);

// All bytes of a file into `bytes`. Throws DataError with the system's reason and the path.
void read_file(const std::filesystem::path& path, std::vector<uint8_t>& bytes);

// decode_image of a file; the path is part of the error.
Image read_image(const std::filesystem::path& path, int64_t max_pixels);

}  // namespace d2v
