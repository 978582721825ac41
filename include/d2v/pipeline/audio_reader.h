// Reader of audio files: any file that FFmpeg knows → mono float at one sample rate.
//
// The format is told by the content, never by the file's name. Channels are averaged; samples are in [-1, 1] (float
// files as they are). Only the formats in ffmpeg_file.cpp are opened, and nothing that a file refers to: no addresses, no
// playlists.
// A span has the same bits as the same span of the whole recording. PCM and FLAC are entered at the span; of mp3 and
// of Vorbis in Ogg the packets before it are passed over undecoded; all else is decoded from the beginning and dropped up to the span.
// Memory is that of the span. The length of an mp3 or a raw AAC file, which no header says, is not asked for unless a span meets its
// end.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "d2v/pipeline/byte_source.h"
#include "d2v/pipeline/resampler.h"
#include "d2v/pipeline/stage_times.h"

namespace d2v {

// What the headers say; nothing is decoded. Of formats whose header has no exact length (mp3, raw AAC) the packets are
// counted.
struct AudioInfo {
  std::string codec;  // FFmpeg's name
  int64_t rate = 0;   // samples a second
  int64_t channels = 0;
  int64_t samples = 0;  // per channel
};

// All functions throw DataError that names the file and the reason: missing, empty, not audio, no audio stream, broken
// header, no samples, more than 1,000,000 samples a second.
AudioInfo read_audio_info(const ByteSource& file);

// Memory of one thread, reused from file to file.
struct AudioScratch {
  std::vector<float> inputs, lanes;
  std::vector<uint8_t> bytes;
  std::vector<int32_t> planes;
  const std::atomic<bool>* stop = nullptr;  // ends reads with ReadStopped, packet by packet (read_stop.h)
  StageTimes* times = nullptr;              // gets what reading, decoding and resampling took, and the bytes
};

// Thread-safe.
class AudioReader {
 public:
  explicit AudioReader(int64_t sample_rate);

  // Samples of the recording at this reader's rate.
  int64_t length(const AudioInfo& info) const { return resamplers_.from(info.rate).length(info.samples); }

  // Samples first, first + 1, … at this reader's rate. Throws DataError, besides the above, where the recording is broken
  // in the span, ends within it, is shorter than its header says, or holds NaN or infinity there. Lossy formats may end
  // up to 50 ms before what the header says; that rest is silence.
  void read(const ByteSource& file, int64_t first, std::span<float> out, AudioScratch& scratch) const;

  // The whole recording, at most `most` samples of it.
  std::vector<float> read_all(const ByteSource& file, int64_t most, AudioScratch& scratch) const;
  std::vector<float> read_all(const ByteSource& file, int64_t most) const;

 private:
  Resamplers resamplers_;
};

}  // namespace d2v
