// Decoding a span of a recording through FFmpeg, at its own rate. Private to the pipeline.
#pragma once

#include <atomic>
#include <optional>

#include "ffmpeg_file.h"

namespace d2v {

// Samples first, first + 1, … of a recording, their channels averaged, are to go to out[at], out[at + 1], …; `out` grows where it
// is too short.
struct SpanRequest {
  int64_t first = 0;
  int64_t wanted = 0;
  std::vector<float>& out;
  size_t at = 0;
  const std::atomic<bool>* stop = nullptr;
};

struct DecodedSpan {
  // How many there were: fewer than wanted only at the end.
  int64_t samples = 0;
  // Of the recording, where it ended within the span: as ffmpeg_count.h counts it.
  std::optional<int64_t> total;
};

// `file` is fresh, and of no further use afterwards. Nothing: seeking went astray, from_beginning will not.
// Throws DataError where the file is broken in the span, ReadStopped once `stop` is set.
std::optional<DecodedSpan> decode_span(FfmpegFile& file, const SpanRequest& request, bool from_beginning);

}  // namespace d2v
