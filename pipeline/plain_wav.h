// WAV files of plain PCM, read without FFmpeg: opening one there takes longer than reading a second of sound. Private to the
// pipeline.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "d2v/pipeline/audio_reader.h"

namespace d2v {

struct PlainWav {
  AudioInfo info;
  enum class Coding { u8, s16, s24, s32, f32, f64 } coding = Coding::s16;
  int64_t frame_bytes = 0;  // of one sample of all channels
  uint64_t first = 0;       // byte of the first sample
};

// Nothing: another format, or a file with anything unusual about it, which is FFmpeg's to judge. A file that ends before its
// header's last sample is such a one.
std::optional<PlainWav> plain_wav(const OpenBytes& file);

// The average over the channels of samples first, first + 1, … into `out`; all of them lie within info.samples.
// Throws DataError where the file ends before. `bytes` is memory of the caller's thread.
void read_plain_wav(const PlainWav& wav, const OpenBytes& file, int64_t first, std::span<float> out,
                    std::vector<uint8_t>& bytes, const std::atomic<bool>* stop, StageTimes* times);

}  // namespace d2v
