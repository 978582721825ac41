// Files of equal content. Private to the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace d2v {

// Removes from `paths` (within `root`) each file whose bytes equal those of an earlier one; returns how many. Only files
// of equal size are read. What cannot be read stays: the reader will name it.
int64_t drop_equal_contents(const std::filesystem::path& root, std::vector<std::string>& paths);

}  // namespace d2v
