#include "audio_frames.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <mutex>
#include <type_traits>

#include "d2v/base/check.h"

extern "C" {
#include <libavutil/log.h>
#include <libavutil/samplefmt.h>
}

namespace d2v {
namespace {

thread_local std::string last_message;

void keep_message(void*, int level, const char* format, va_list arguments) {
  if (level > AV_LOG_ERROR) return;
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  last_message = text.data();
  while (!last_message.empty() && (last_message.back() == '\n' || last_message.back() == '.'))
    last_message.pop_back();
}

template <class T>
float to_float(T value) {
  if constexpr (std::is_same_v<T, uint8_t>) return (static_cast<float>(value) - 128.0f) / 128.0f;
  if constexpr (std::is_floating_point_v<T>) return static_cast<float>(value);
  // A power of two: exact.
  return static_cast<float>(value) * (1.0f / static_cast<float>(uint64_t{1} << (8 * sizeof(T) - 1)));
}

template <class T>
void average(const AVFrame& frame, bool planar, int64_t from, std::span<float> out) {
  const int64_t channels = frame.ch_layout.nb_channels;
  const auto count = static_cast<int64_t>(out.size());
  const auto plane = [&](int64_t c) { return reinterpret_cast<const T*>(frame.extended_data[c]) + from; };
  if (channels == 1) {
    const T* in = plane(0);
    for (int64_t i = 0; i < count; ++i) out[i] = to_float(in[i]);
    return;
  }
  const float share = 1.0f / static_cast<float>(channels);
  if (planar) {
    std::fill(out.begin(), out.end(), 0.0f);
    for (int64_t c = 0; c < channels; ++c) {
      const T* in = plane(c);
      for (int64_t i = 0; i < count; ++i) out[i] += to_float(in[i]);
    }
    for (float& x : out) x *= share;
    return;
  }
  const T* in = reinterpret_cast<const T*>(frame.extended_data[0]) + from * channels;
  for (int64_t i = 0; i < count; ++i) {
    float sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += to_float(*in++);
    out[i] = sum * share;
  }
}

}  // namespace

void average_channels(const AVFrame& frame, int64_t from, std::span<float> out, const std::string& name) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
      return average<uint8_t>(frame, planar, from, out);
    case AV_SAMPLE_FMT_S16:
      return average<int16_t>(frame, planar, from, out);
    case AV_SAMPLE_FMT_S32:
      return average<int32_t>(frame, planar, from, out);
    case AV_SAMPLE_FMT_S64:
      return average<int64_t>(frame, planar, from, out);
    case AV_SAMPLE_FMT_FLT:
      return average<float>(frame, planar, from, out);
    case AV_SAMPLE_FMT_DBL:
      return average<double>(frame, planar, from, out);
    default:
      fail<DataError>("{}: samples of an unknown format ({})", name, frame.format);
  }
}

void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(keep_message); });
}

std::string take_ffmpeg_message() { return std::exchange(last_message, {}); }

}  // namespace d2v
