// Samples of any type to mono floats: integers are divided by 2^(bits-1), channels averaged. Private to the pipeline.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

namespace d2v {

template <class T>
float sample_to_float(T value) {
  if constexpr (std::is_same_v<T, uint8_t>) return (static_cast<float>(value) - 128.0f) / 128.0f;
  if constexpr (std::is_floating_point_v<T>) return static_cast<float>(value);
  // A power of two: exact.
  return static_cast<float>(value) * (1.0f / static_cast<float>(uint64_t{1} << (8 * sizeof(T) - 1)));
}

// `sample(i)`: number i of `channels` interleaved ones, as a float.
template <class Sample>
void average_interleaved(int64_t channels, std::span<float> out, const Sample& sample) {
  const auto count = static_cast<int64_t>(out.size());
  if (channels == 1) {
    for (int64_t i = 0; i < count; ++i) out[i] = sample(i);
    return;
  }
  if (channels == 2) {  // the same sum, in a loop that compilers make vectors of
    for (int64_t i = 0; i < count; ++i) out[i] = (sample(2 * i) + sample(2 * i + 1)) * 0.5f;
    return;
  }
  const float share = 1.0f / static_cast<float>(channels);
  for (int64_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += sample(i * channels + c);
    out[i] = sum * share;
  }
}

// `sample(channel, i)`.
template <class Sample>
void average_planes(int64_t channels, std::span<float> out, const Sample& sample) {
  const auto count = static_cast<int64_t>(out.size());
  for (int64_t i = 0; i < count; ++i) out[i] = sample(0, i);
  if (channels == 1) return;
  const float share = 1.0f / static_cast<float>(channels);
  for (int64_t c = 1; c + 1 < channels; ++c)
    for (int64_t i = 0; i < count; ++i) out[i] += sample(c, i);
  for (int64_t i = 0; i < count; ++i) out[i] = (out[i] + sample(channels - 1, i)) * share;
}

}  // namespace d2v
