// Arbitrary bytes as EXIF, as a JPEG's segments and as the chunks of a PNG and a WebP: an orientation from 1 to 8, whatever they are.
#include "d2v/pipeline/exif.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  for (const int orientation : {d2v::exif_orientation(bytes), d2v::jpeg_orientation(bytes),
                                d2v::png_orientation(bytes), d2v::webp_orientation(bytes)}) {
    if (orientation < 1 || orientation > 8) std::abort();
  }
  return 0;
}
