// A recording open in FFmpeg: its header and its decoder. Private to the pipeline.
#pragma once

#include "audio_frames.h"
#include "audio_io.h"
#include "d2v/pipeline/audio_reader.h"

namespace d2v {

// Any sample rate above is refused: the resampler's tables and a span's inputs grow with it.
inline constexpr int64_t kMostRate = 1'000'000;  // above what any recorder makes

struct FfmpegFile {
  // Reads the header. Throws DataError as audio_reader.h says. `bytes` and `times`, which may be null, must outlive it.
  FfmpegFile(const OpenBytes& bytes, StageTimes* times);
  ~FfmpegFile();
  FfmpegFile(const FfmpegFile&) = delete;
  FfmpegFile& operator=(const FfmpegFile&) = delete;

  // samples: 0 where the header has no length, or a guess.
  AudioInfo info() const;
  // PCM, FLAC and mp3: whole files have exactly so many samples as info() or their packets say.
  bool exact_length() const;
  // PCM and FLAC in containers where any sample can be entered.
  bool indexed() const;
  // mp3 files, and Vorbis in Ogg: packets know their place to the sample, and frames depend on near ones only, so that what
  // lies far in front of a span need not be decoded. Not so AAC, whose noise depends on all noise before it, and
  // Opus, whose filters and resampler never forget quite.
  bool skips_packets() const;
  // Whether frames know their place to the sample, from the first one on.
  bool stamps_samples() const;

  AVRational sample_base() const { return {1, stream->codecpar->sample_rate}; }
  // Samples between the beginning and a time of the stream.
  int64_t samples_at(int64_t stamp) const;

  const std::string& name;  // for messages
  AudioCursor cursor;
  AvioPtr io;
  AVFormatContext* format = nullptr;
  AVCodecContext* codec = nullptr;
  AVPacket* packet = nullptr;
  AVFrame* frame = nullptr;
  AVStream* stream = nullptr;

 private:
  void open_container(const OpenBytes& bytes);
  void find_stream();
  void open_decoder();
};

// FFmpeg's word for an error, with what it has printed.
std::string error_words(int error);

}  // namespace d2v
