// What the headers of all pictures or recordings say. Private to the pipeline.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/image_reader.h"

namespace d2v {

struct SampleHeader {
  std::string reason;  // broken; empty: it is not
  ImageInfo picture{};
  AudioInfo recording{};
};

// By row. Of pictures the first 64 KiB are read, and more only where that is not enough.
std::vector<SampleHeader> read_headers(const FolderSource& source, const Config& config, int64_t threads);

// At most `most` of the rows with a good header, evenly spaced.
std::vector<uint32_t> some_rows(const std::vector<SampleHeader>& headers, int64_t most);

// Decodes these rows, of recordings at most 10 minutes, and sets the reason in `headers` of those that are broken.
void try_to_decode(const FolderSource& source, const Config& config, const std::vector<uint32_t>& rows,
                   int64_t threads, std::vector<SampleHeader>& headers);

}  // namespace d2v
