// Recordings in any format, made by FFmpeg's encoders, and their sound by a plain loop over its decoders: what the reader is
// compared with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace d2v::test {

struct EncodedAs {
  const char* encoder = "flac";  // FFmpeg's names
  const char* container = "flac";
  int rate = 16000;
  int channels = 1;
  int bits = 16;  // where the encoder takes integers: 16 or 24
  std::vector<std::pair<const char*, const char*>> options = {};
};

// False: this FFmpeg has no such encoder. `samples` are interleaved, in [-1, 1].
bool encode_audio(const std::filesystem::path& file, const EncodedAs& as, const std::vector<float>& samples);

// The average over the channels of every sample that FFmpeg's decoder gives, at the file's own rate.
std::vector<float> decoded_by_ffmpeg(const std::filesystem::path& file);

// Two tones, noise and a pause, unlike at every place and in every channel; interleaved.
std::vector<float> busy_sound(double seconds, int rate, int channels, uint64_t seed = 1);

}  // namespace d2v::test
