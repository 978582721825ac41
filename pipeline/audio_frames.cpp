#include "audio_frames.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <mutex>

#include "d2v/base/check.h"
#include "mono.h"

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
void average(const AVFrame& frame, bool planar, int64_t from, std::span<float> out) {
  const int64_t channels = frame.ch_layout.nb_channels;
  if (planar) {
    average_planes(channels, out, [&](int64_t c, int64_t i) {
      return sample_to_float(reinterpret_cast<const T*>(frame.extended_data[c])[from + i]);
    });
    return;
  }
  const T* in = reinterpret_cast<const T*>(frame.extended_data[0]) + from * channels;
  average_interleaved(channels, out, [in](int64_t i) { return sample_to_float(in[i]); });
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
