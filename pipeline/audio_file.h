// An audio file open in FFmpeg: its header, and decoding of a span at the file's own rate. Private to the pipeline.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "counted_lengths.h"
#include "d2v/pipeline/audio_reader.h"

namespace d2v {

class AudioFile {
 public:
  // Reads the header. Throws DataError as audio_reader.h says, here and below ReadStopped once `stop` is set.
  // `times`, where given, gets what reading took, here and below; `counted` saves counting a length again.
  explicit AudioFile(const ByteSource& source, const std::atomic<bool>* stop = nullptr,
                     StageTimes* times = nullptr, CountedLengths* counted = nullptr);
  ~AudioFile();

  // samples: of PCM, FLAC and mp3 to the sample, of others as the container says.
  const AudioInfo& info() const { return info_; }
  // Whether a whole file has exactly info().samples.
  bool exact_length() const;

  // Averages the channels of samples first, first + 1, … into `out`; first >= 0. Returns how many there were: fewer only
  // at the end. To be called once. Throws DataError where the file is broken in that span.
  int64_t decode(int64_t first, std::span<float> out);

 private:
  struct State;
  enum class Entry { seek, skip_packets, beginning };
  Entry entry(int64_t first) const;
  int64_t decode_from(Entry entry, int64_t first, std::span<float> out, bool& usable);
  void open();
  int64_t count_samples();
  int64_t count_packets();
  int64_t count_frames();

  OpenBytes bytes_;
  std::string name_;  // for messages
  const std::atomic<bool>* stop_;
  StageTimes* times_;
  AudioInfo info_;
  std::unique_ptr<State> state_;
};

}  // namespace d2v
