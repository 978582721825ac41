// A smaller copy of an image folder: decoded and reduced once, so that training does not do it every epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/bad_files.h"

namespace d2v {

struct PrepareImages {
  std::filesystem::path input;
  std::filesystem::path output;
  int64_t side = 0;  // the shorter side of larger pictures becomes this; smaller ones keep their size
  DataConfig data;   // deduplicate, min_class_files, max_pixels and threads hold as in training
};

struct PreparedImages {
  int64_t written = 0;
  int64_t kept = 0;  // there from an earlier call
  std::vector<BadFile> left_out;
};

// Writes PNGs below the same folders as in the input: a/b.jpg becomes a/b.jpg.png. A call that was cut goes on where it
// stopped. Throws DataError as scan_images does and where more than data.max_bad_fraction of the files cannot be read,
// UsageError where the output holds copies of another size or lies within the input, StorageError where it cannot be
// written.
PreparedImages prepare_images(const PrepareImages& settings);

}  // namespace d2v
