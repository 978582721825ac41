// Which modality a data set is of, where no recipe says it.
#pragma once

#include <filesystem>

#include "d2v/base/config/modality.h"

namespace d2v {

// What names say: text for token files; speech for manifests, and where a folder, a list or the first shard with either has
// more recordings than pictures; else image. Throws DataError for a folder or list that cannot be read.
Modality guess_modality(const std::filesystem::path& path);

}  // namespace d2v
