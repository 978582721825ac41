// Tar shards of reduced pictures. Private to the pipeline.
#pragma once

#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/prepare_images.h"

namespace d2v {

// prepare_images for shards, into an output folder that was checked and locked.
PreparedImages prepare_shards(const PrepareImages& settings, const FolderSource& source);

}  // namespace d2v
