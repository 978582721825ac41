// How long a recipe's checkpoint takes to write and to read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "d2v/base/config.h"

namespace d2v {

struct CheckpointBench {
  int64_t bytes = 0;                 // of the file
  std::vector<double> save_seconds;  // until the file is on the disk (fsync)
  std::vector<double> load_seconds;  // from the page cache, all that resuming reads
};

// Writes the recipe's checkpoint, with fresh weights, `repeats` times into a file of `folder` that did not exist, reads it as
// often and removes it. Throws UsageError as make_objective, and where the file is there; StorageError.
CheckpointBench bench_checkpoint(const Config& config, const std::filesystem::path& folder, int64_t repeats);

}  // namespace d2v
