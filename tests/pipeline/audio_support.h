// Recordings for the tests of the pipeline.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "support.h"

namespace d2v::test {

// Bytes of a WAV file: 16-bit integers (format 1) or floats (format 3), `samples` interleaved.
template <class T>
std::string wav_bytes(const std::vector<T>& samples, int rate, int channels = 1) {
  std::string bytes;
  const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  const auto size = static_cast<uint32_t>(samples.size() * sizeof(T));
  bytes += "RIFF";
  put(uint32_t{36 + size});
  bytes += "WAVEfmt ";
  put(uint32_t{16});
  put(static_cast<uint16_t>(std::is_floating_point_v<T> ? 3 : 1));
  put(static_cast<uint16_t>(channels));
  put(static_cast<uint32_t>(rate));
  put(static_cast<uint32_t>(rate * channels * sizeof(T)));
  put(static_cast<uint16_t>(channels * sizeof(T)));
  put(static_cast<uint16_t>(8 * sizeof(T)));
  bytes += "data";
  put(size);
  bytes.append(reinterpret_cast<const char*>(samples.data()), size);
  return bytes;
}

// A tone with a slow change of loudness, unlike at every place; 16 bits.
inline std::vector<int16_t> tone(double seconds, int rate, double hertz = 440) {
  std::vector<int16_t> samples(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / rate;
    samples[i] =
        static_cast<int16_t>(12000 * std::sin(2 * std::numbers::pi * hertz * t) * (1 + 0.5 * std::sin(t)));
  }
  return samples;
}

}  // namespace d2v::test
