// FLAC files, read without FFmpeg, whose decoder alone takes most of the time. Private to the pipeline.
//
// Every frame must be as its stream says and fit its checksum. What is not is left to FFmpeg, whose judgement and message
// it gets; samples are integers, so both give the same.
#pragma once

#include <atomic>
#include <optional>

#include "d2v/pipeline/audio_reader.h"
#include "flac_frame.h"

namespace d2v {

struct PlainFlac {
  AudioInfo info;
  FlacStream stream;
  uint64_t first = 0;  // byte of the first frame
};

// Nothing: another format, or a file with anything unusual about its header.
std::optional<PlainFlac> plain_flac(const OpenBytes& file);

// The average over the channels of samples first, first + 1, … into `out`; all of them lie within info.samples. False: a frame
// that is met is not as it should be, and `out` is undefined. `bytes` and `planes` are memory of
// the caller's thread. Throws ReadStopped once `stop` is set.
bool read_plain_flac(const PlainFlac& flac, const OpenBytes& file, int64_t first, std::span<float> out,
                     std::vector<uint8_t>& bytes, std::vector<int32_t>& planes, const std::atomic<bool>* stop,
                     StageTimes* times);

}  // namespace d2v
