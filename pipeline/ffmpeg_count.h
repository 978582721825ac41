// Lengths of recordings whose headers have none (mp3, raw AAC), by their packets. Private to the pipeline.
#pragma once

#include <atomic>

#include "ffmpeg_file.h"

namespace d2v {

// To be given every packet of the recording.
struct PacketCount {
  int64_t duration = 0;  // in the stream's unit of time
  int64_t left_out = 0;  // samples that the decoder drops at both ends

  void add(const AVPacket& packet);
  // Per channel; 0 or less where packets have no durations.
  int64_t samples(const FfmpegFile& file) const;
};

// Samples per channel of a fresh file, which is at its end then and of no further use: by its packets (0 or less where they have no
// durations), or by decoding all of it. End with ReadStopped once `stop` is set.
int64_t count_packets(FfmpegFile& file, const std::atomic<bool>* stop);
int64_t count_frames(FfmpegFile& file, const std::atomic<bool>* stop);

}  // namespace d2v
