// The checkpoint files of a run folder: names, the newest complete one, which ones stay.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace d2v {

// RUN/checkpoints/update_00001234.safetensors
std::filesystem::path checkpoint_path(const std::filesystem::path& run, int64_t update);

struct CheckpointFile {
  int64_t update = 0;
  std::filesystem::path path;
};

// All of a run, newest first; files of other names are ignored.
std::vector<CheckpointFile> list_checkpoints(const std::filesystem::path& run);

// The newest complete one; broken ones are named in a warning and passed over. None: the run has no checkpoint yet.
// Throws DataError when there are checkpoints and all of them are broken.
std::optional<CheckpointFile> latest_checkpoint(const std::filesystem::path& run);

// A file as it is, or a run folder's newest complete checkpoint. Throws DataError when there is none.
std::filesystem::path find_checkpoint(const std::filesystem::path& file_or_run);

// Removes all but the newest `keep_last` and those whose update is a multiple of `keep_every` (0: none of them).
// Files that cannot be removed are named in a warning.
void prune_checkpoints(const std::filesystem::path& run, int64_t keep_last, int64_t keep_every);

}  // namespace d2v
