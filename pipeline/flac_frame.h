// One frame of FLAC (RFC 9639, section 9). Private to the pipeline.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace d2v {

// What all frames of a file share, from its STREAMINFO.
struct FlacStream {
  int64_t rate = 0;
  int64_t channels = 0;                     // 1 to 8
  int64_t bits = 0;                         // of a sample, 4 to 24
  int64_t samples = 0;                      // per channel
  int64_t least_block = 0, most_block = 0;  // samples of a frame
};

struct FlacFrameHeader {
  int64_t first = 0;    // its first sample
  int64_t samples = 0;  // per channel
  int mode = 0;         // how two channels are coded
  size_t bytes = 0;     // of the header
};

// Nothing: no header, or not one of this stream.
std::optional<FlacFrameHeader> flac_frame_header(const FlacStream& stream, std::span<const uint8_t> bytes);

// Where the samples of a channel lie in `planes` after a frame of the stream was decoded.
const int32_t* flac_channel(const FlacStream& stream, const std::vector<int32_t>& planes, int64_t channel);

// Decodes the frame that `bytes` begin with into `planes`, memory for use again, and returns its length in bytes. kFlacSlack zero bytes lie behind
// them. Nothing: the frame is broken, by its checksum too, not all of it is there, or it is coded as no encoder does.
std::optional<size_t> decode_flac_frame(const FlacStream& stream, const FlacFrameHeader& header,
                                        std::span<const uint8_t> bytes, std::vector<int32_t>& planes);

}  // namespace d2v
