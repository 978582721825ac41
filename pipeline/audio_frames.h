// Frames out of FFmpeg's decoders, and FFmpeg's messages. Private to the pipeline.
#pragma once

#include <cstdint>
#include <span>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
}

namespace d2v {

// The average over the channels of samples from, from + 1, … of a frame. Integers are divided by 2^(bits-1).
// Throws DataError for a format of samples that is none of FFmpeg's 5.1.
void average_channels(const AVFrame& frame, int64_t from, std::span<float> out, const std::string& name);

// FFmpeg prints nothing any more; its last error of this thread is kept. Thread-safe, any number of times.
void silence_ffmpeg();

// That error without a line break, once; empty where there was none.
std::string take_ffmpeg_message();

inline uint32_t little_endian32(const uint8_t* bytes) {
  return bytes[0] | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

}  // namespace d2v
