// FFmpeg's reads, from any place that bytes may be. Private to the pipeline.
#pragma once

#include <memory>

#include "audio_frames.h"
#include "d2v/pipeline/byte_source.h"
#include "d2v/pipeline/stage_times.h"

namespace d2v {

struct FreeAvio {
  void operator()(AVIOContext* context) const;
};
using AvioPtr = std::unique_ptr<AVIOContext, FreeAvio>;

// Reads `bytes` from its beginning, can seek. `bytes` and `times` must outlive it.
struct AudioCursor {
  const OpenBytes* bytes = nullptr;
  int64_t at = 0;
  StageTimes* times = nullptr;  // gets Stage::read and the bytes
};
AvioPtr open_avio(AudioCursor& cursor);

}  // namespace d2v
