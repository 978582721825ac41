// Pictures or recordings from whatever data.path may be:
//
//   a folder of files (folder_source.h); a folder of tar shards, or one shard (shard_source.h); a list of paths, or a manifest
//   of fairseq (list_source.h); synthetic:… (synthetic.h).
#pragma once

#include <filesystem>

#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

// All throw what the readers of these forms do.
FolderSource open_pictures(const std::filesystem::path& path, const DataConfig& config);

// With the length of every recording; what cannot be used is left out by name.
FolderSource open_recordings(const std::filesystem::path& path, const DataConfig& config,
                             const RecordingLimits& limits, const LengthScan& scan);

// All recordings that are named there; no header is read, none is left out.
FolderSource list_recordings(const std::filesystem::path& path, const DataConfig& config);

}  // namespace d2v
