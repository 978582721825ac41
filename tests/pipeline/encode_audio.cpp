#include "encode_audio.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include "d2v/base/philox.h"

namespace d2v::test {
namespace {

void need(bool good, const std::string& what) {
  if (!good) throw std::runtime_error("encode_audio: " + what);
}

struct FreeAv {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
using FramePtr = std::unique_ptr<AVFrame, FreeAv>;
using PacketPtr = std::unique_ptr<AVPacket, FreeAv>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeAv>;

AVSampleFormat sample_format(const AVCodec& encoder, int bits) {
  const AVSampleFormat* formats = encoder.sample_fmts;
  for (const AVSampleFormat* one = formats; bits > 16 && *one != AV_SAMPLE_FMT_NONE; ++one)
    if (*one == AV_SAMPLE_FMT_S32 || *one == AV_SAMPLE_FMT_S32P) return *one;
  return formats[0];
}

template <class T>
void put_samples(AVFrame& frame, int channels, const float* samples, double scale) {
  const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) != 0;
  for (int i = 0; i < frame.nb_samples; ++i)
    for (int c = 0; c < channels; ++c) {
      auto* to = planar ? reinterpret_cast<T*>(frame.extended_data[c]) + i
                        : reinterpret_cast<T*>(frame.extended_data[0]) + i * channels + c;
      *to = static_cast<T>(samples[i * channels + c] * scale);
    }
}

void put_frame(AVFrame& frame, int channels, const float* samples, int bits) {
  switch (av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format))) {
    case AV_SAMPLE_FMT_S16:
      return put_samples<int16_t>(frame, channels, samples, 32767);
    case AV_SAMPLE_FMT_S32: {
      put_samples<int32_t>(frame, channels, samples, static_cast<float>((int64_t{1} << (bits - 1)) - 1));
      const int planes = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) ? channels : 1;
      for (int p = 0; p < planes; ++p)
        for (int i = 0; i < frame.nb_samples * channels / planes; ++i)
          reinterpret_cast<int32_t*>(frame.extended_data[p])[i] *= 1 << (32 - bits);
      return;
    }
    case AV_SAMPLE_FMT_FLT:
      return put_samples<float>(frame, channels, samples, 1);
    default:
      need(false, "an encoder with samples of another type");
  }
}

// Interleaved or planar floats or integers to their average.
template <class T>
void add_average(const AVFrame& frame, double scale, std::vector<float>& out) {
  const bool planar = av_sample_fmt_is_planar(static_cast<AVSampleFormat>(frame.format)) != 0;
  const int channels = frame.ch_layout.nb_channels;
  for (int i = 0; i < frame.nb_samples; ++i) {
    float sum = 0;
    for (int c = 0; c < channels; ++c) {
      const T value = planar ? reinterpret_cast<const T*>(frame.extended_data[c])[i]
                             : reinterpret_cast<const T*>(frame.extended_data[0])[i * channels + c];
      sum += static_cast<float>(value) * static_cast<float>(scale);
    }
    out.push_back(sum * (1.0f / static_cast<float>(channels)));
  }
}

void add_frame(const AVFrame& frame, std::vector<float>& out) {
  switch (av_get_packed_sample_fmt(static_cast<AVSampleFormat>(frame.format))) {
    case AV_SAMPLE_FMT_S16:
      return add_average<int16_t>(frame, 1.0 / 32768, out);
    case AV_SAMPLE_FMT_S32:
      return add_average<int32_t>(frame, 1.0 / 2147483648.0, out);
    case AV_SAMPLE_FMT_FLT:
      return add_average<float>(frame, 1, out);
    default:
      need(false, "a decoder with samples of another type");
  }
}

}  // namespace

bool encode_audio(const std::filesystem::path& file, const EncodedAs& as, const std::vector<float>& samples) {
  const AVCodec* encoder = avcodec_find_encoder_by_name(as.encoder);
  if (encoder == nullptr) return false;
  const CodecPtr codec(avcodec_alloc_context3(encoder));
  codec->sample_rate = as.rate;
  codec->sample_fmt = sample_format(*encoder, as.bits);
  codec->bits_per_raw_sample = as.bits;
  codec->bit_rate = 64000 * as.channels;
  codec->thread_count = 1;
  av_channel_layout_default(&codec->ch_layout, as.channels);
  AVDictionary* options = nullptr;
  for (const auto& [key, value] : as.options) av_dict_set(&options, key, value, 0);
  AVFormatContext* format = nullptr;
  need(avformat_alloc_output_context2(&format, nullptr, as.container, file.c_str()) >= 0, "no container");
  if ((format->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  need(avcodec_open2(codec.get(), encoder, &options) >= 0, std::string("cannot open ") + as.encoder);
  need(av_dict_count(options) == 0, "an option that the encoder does not know");
  AVStream* stream = avformat_new_stream(format, nullptr);
  stream->time_base = {1, as.rate};
  avcodec_parameters_from_context(stream->codecpar, codec.get());
  need(avio_open(&format->pb, file.c_str(), AVIO_FLAG_WRITE) >= 0, "cannot write " + file.string());
  need(avformat_write_header(format, nullptr) >= 0, "cannot write a header");

  const PacketPtr packet(av_packet_alloc());
  const auto drain = [&] {
    while (avcodec_receive_packet(codec.get(), packet.get()) >= 0) {
      av_packet_rescale_ts(packet.get(), {1, as.rate}, stream->time_base);
      packet->stream_index = 0;
      need(av_interleaved_write_frame(format, packet.get()) >= 0, "cannot write a packet");
    }
  };
  const auto total = static_cast<int64_t>(samples.size()) / as.channels;
  const int64_t most = codec->frame_size > 0 ? codec->frame_size : 4096;
  for (int64_t at = 0; at < total; at += most) {
    const FramePtr frame(av_frame_alloc());
    frame->format = codec->sample_fmt;
    frame->sample_rate = as.rate;
    frame->nb_samples = static_cast<int>(std::min(most, total - at));
    frame->pts = at;
    av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout);
    need(av_frame_get_buffer(frame.get(), 0) >= 0, "no memory");
    put_frame(*frame, as.channels, samples.data() + at * as.channels, as.bits);
    need(avcodec_send_frame(codec.get(), frame.get()) >= 0, "cannot encode");
    drain();
  }
  avcodec_send_frame(codec.get(), nullptr);
  drain();
  need(av_write_trailer(format) >= 0, "cannot write the end");
  avio_closep(&format->pb);
  avformat_free_context(format);
  return true;
}

std::vector<float> decoded_by_ffmpeg(const std::filesystem::path& file) {
  AVFormatContext* format = nullptr;
  need(avformat_open_input(&format, file.c_str(), nullptr, nullptr) >= 0, "cannot open " + file.string());
  need(avformat_find_stream_info(format, nullptr) >= 0, "no streams in " + file.string());
  const int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  need(index >= 0, "no sound in " + file.string());
  const AVStream& stream = *format->streams[index];
  const AVCodec* decoder = avcodec_find_decoder(stream.codecpar->codec_id);
  const CodecPtr codec(avcodec_alloc_context3(decoder));
  avcodec_parameters_to_context(codec.get(), stream.codecpar);
  codec->pkt_timebase = stream.time_base;
  codec->thread_count = 1;
  need(avcodec_open2(codec.get(), decoder, nullptr) >= 0, "no decoder");
  std::vector<float> out;
  const PacketPtr packet(av_packet_alloc());
  const FramePtr frame(av_frame_alloc());
  for (bool more = true; more;) {
    more = av_read_frame(format, packet.get()) >= 0;
    if (!more || packet->stream_index == index)
      avcodec_send_packet(codec.get(), more ? packet.get() : nullptr);
    av_packet_unref(packet.get());
    while (avcodec_receive_frame(codec.get(), frame.get()) >= 0) add_frame(*frame, out);
  }
  avformat_close_input(&format);
  return out;
}

std::vector<float> busy_sound(double seconds, int rate, int channels, uint64_t seed) {
  Philox random({.seed = seed});
  const auto count = static_cast<int64_t>(seconds * rate);
  std::vector<float> samples(static_cast<size_t>(count * channels));
  for (int64_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / rate;
    const double loud = t > 0.4 * seconds && t < 0.5 * seconds ? 0 : 1;
    for (int c = 0; c < channels; ++c)
      samples[static_cast<size_t>(i * channels + c)] =
          static_cast<float>(loud * (0.3 * std::sin(2 * std::numbers::pi * (220 + 90 * c + 40 * t) * t) +
                                     0.2 * std::sin(2 * std::numbers::pi * 1733 * t) * std::sin(5 * t + c) +
                                     0.1 * (static_cast<double>(random.below(20001)) / 10000 - 1)));
  }
  return samples;
}

}  // namespace d2v::test
