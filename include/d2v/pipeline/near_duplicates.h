// Pictures that look the same: other sizes, formats or tiny edits of one another.
#pragma once

#include <cstdint>
#include <filesystem>

#include "d2v/pipeline/image_source.h"

namespace d2v {

struct NearDuplicateOptions {
  int64_t max_pixels = 178956970;  // data.max_pixels
  int64_t threads = 0;             // 0: all cores
  double tolerance = 3;            // levels of 255
  double contrast_share = 0.1;
  // File that keeps the thumbnails from one call to the next; empty: none. A file that was changed is drawn again.
  std::filesystem::path cache;
};

// Sets `group` of all samples. Two pictures are near-duplicates when the mean absolute difference of their thumbnails
// (16 × 16 RGB over white, stretched to a square) is at most `tolerance`, and at most `contrast_share` of the fainter
// one's own mean deviation from its mean colour (else all faint drawings on white would be one group). Groups are the
// connected components, named by their smallest id. Pictures that cannot be read stay alone. Throws StorageError where
// the cache cannot be written.
void group_near_duplicates(ImageSource& source, const NearDuplicateOptions& options = {});

// The same with the settings named one by one.
inline void group_near_duplicates(ImageSource& source, int64_t max_pixels, int64_t threads) {
  NearDuplicateOptions options;
  options.max_pixels = max_pixels;
  options.threads = threads;
  group_near_duplicates(source, options);
}

}  // namespace d2v
