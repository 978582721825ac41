// Arbitrary bytes as a picture file: pixels of the promised size or a DataError, whole and in part.
#include <cstdlib>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMaxPixels = 1 << 18;
  const std::span<const uint8_t> file(data, size);
  try {
    const d2v::ImageInfo info = d2v::read_image_info(file, kMaxPixels);
    const d2v::Box box{info.width / 3, info.height / 3, (info.width + 2) / 3, (info.height + 2) / 3};
    const d2v::Image part = d2v::decode_box(file, info, box);
    if (part.width != box.width || part.height != box.height) std::abort();
    const d2v::Image whole = d2v::decode_image(file, info);
    if (whole.width != info.width || whole.height != info.height) std::abort();
  } catch (const d2v::DataError&) {
    // As promised.
  }
  return 0;
}
