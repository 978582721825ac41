// An open audio file, read by whatever is fastest for it. Private to the pipeline.
//
// Plain WAV and FLAC files are read here (plain_wav.h, plain_flac.h), all others by FFmpeg (ffmpeg_file.h).
#pragma once

#include <memory>
#include <optional>

#include "d2v/pipeline/audio_reader.h"
#include "ffmpeg_file.h"
#include "plain_flac.h"
#include "plain_wav.h"

namespace d2v {

class AudioFile {
 public:
  // Reads the header. Throws DataError as audio_reader.h says, here and below ReadStopped once scratch.stop is set.
  AudioFile(const ByteSource& source, AudioScratch& scratch);

  // samples: of PCM, FLAC and mp3 to the sample, of others as the container says; 0: the header has no length.
  const AudioInfo& info() const { return info_; }
  // Whether a whole file has exactly info().samples.
  bool exact_length() const { return exact_length_; }

  // Finds info().samples by reading the whole file where it is 0. The file cannot be decoded afterwards.
  void count_samples();

  // Averages the channels of samples first, first + 1, … and puts `wanted` of them to out[at], out[at + 1], …, which grows where
  // it is too short; first >= 0. Returns how many there were: fewer only at the end, and then info().samples is known. To
  // be called once. Throws DataError where the file is broken in that span.
  int64_t decode(int64_t first, int64_t wanted, std::vector<float>& out, size_t at);

 private:
  void open_in_ffmpeg();
  int64_t decode_in_ffmpeg(int64_t first, int64_t wanted, std::vector<float>& out, size_t at);
  void set_length(int64_t samples);

  OpenBytes bytes_;
  AudioScratch& scratch_;
  AudioInfo info_;
  bool exact_length_ = true;
  std::optional<PlainWav> wav_;
  std::optional<PlainFlac> flac_;
  std::unique_ptr<FfmpegFile> ffmpeg_;
};

}  // namespace d2v
