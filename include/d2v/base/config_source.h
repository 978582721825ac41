// The configuration behind a path: a recipe, a run folder, or a checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "d2v/base/options.h"

namespace d2v {

inline constexpr const char* kConfigFile = "config.ini";  // in a run folder
inline constexpr const char* kConfigMetadata = "config";  // key of a checkpoint's safetensors metadata

// Sets the options that the source names: `path` is a folder with a config.ini, a .safetensors file with the
// metadata key "config", or an INI file. Throws DataError when there is none of them, UsageError for wrong
// contents (with source and line).
void apply_source(std::vector<Option>& table, const std::filesystem::path& path);

}  // namespace d2v
