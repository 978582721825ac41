// WAV files that end too early: FFmpeg quietly takes what is there. Private to the pipeline.
#pragma once

#include <cstdint>
#include <optional>

#include "d2v/pipeline/byte_source.h"

namespace d2v {

struct CutWav {
  uint64_t promised = 0;  // bytes of sound
  uint64_t found = 0;
};

// Of a RIFF WAVE file whose data chunk reaches beyond the end of the file; nothing for all other files, nor where the
// size is one that programs write when they do not know it.
std::optional<CutWav> cut_wav(const OpenBytes& file);

}  // namespace d2v
