#include "audio_file.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>

#include "audio_frames.h"
#include "audio_io.h"
#include "cut_wav.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/read_stop.h"
#include "length_cache.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

// Demuxers of sound and of films with sound. No playlists, no concatenation scripts, no devices.
constexpr const char* kFormats =
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,ac3,mov,mp4,m4a,matroska,webm,asf,amr,wv,ape,tta";

// mp3 frames refer to bytes of earlier ones; so many frames before the span make its result exact.
constexpr int64_t kWarmUpPackets = 96;

// Above what any recorder makes. The resampler's tables and a span's inputs grow with the rate.
constexpr int kMostRate = 1'000'000;

// Containers whose headers have no length, or a guess.
constexpr std::array<std::string_view, 2> kWithoutLength{"mp3", "aac"};

// Containers whose PCM has an exact length and can be entered at any sample.
constexpr std::array<std::string_view, 5> kPlainContainers{"wav", "w64", "aiff", "au", "caf"};

bool any_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string words(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  const std::string detail = take_ffmpeg_message();
  return detail.empty() ? text.data() : fmt::format("{}: {}", text.data(), detail);
}

// A folder or a missing file is named before anything opens it.
const ByteSource& checked(const ByteSource& source) {
  if (source.memory) return source;
  std::error_code error;
  const fs::file_status status = fs::status(source.path, error);
  check<DataError>(fs::exists(status), "{}: No such file or directory", source.name());
  check<DataError>(fs::is_regular_file(status), "{}: not a file that can be read as audio", source.name());
  return source;
}

void check_bytes(const OpenBytes& bytes) {
  check<DataError>(bytes.size() > 0, "{}: the file is empty", bytes.name());
  if (const auto cut = cut_wav(bytes)) {
    fail<DataError>("{}: truncated: its header says {} bytes of sound, the file has {}", bytes.name(),
                    cut->promised, cut->found);
  }
}

// The demuxer of the usual containers, by their first bytes: FFmpeg would try some three hundred on every file, which takes
// longer than decoding a second of sound. Null: it has to.
auto known_format(const OpenBytes& bytes) {
  std::array<uint8_t, 12> head{};
  const size_t size = bytes.read_at(0, head);
  const std::string_view text(reinterpret_cast<const char*>(head.data()), size);
  const char* name = nullptr;
  if (text.starts_with("RIFF") && text.substr(std::min<size_t>(8, size)) == "WAVE") name = "wav";
  if (text.starts_with("fLaC")) name = "flac";
  if (text.starts_with("OggS")) name = "ogg";
  return name != nullptr ? av_find_input_format(name) : nullptr;
}

}  // namespace

struct AudioFile::State {
  explicit State(const OpenBytes& bytes, StageTimes* times)
      : cursor{&bytes, 0, times}, io(open_avio(cursor)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  AudioCursor cursor;
  AvioPtr io;
  AVFormatContext* format = nullptr;
  AVCodecContext* codec = nullptr;
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();
  AVStream* stream = nullptr;
  ~State() {
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    avformat_close_input(&format);
  }
  AVRational samples() const { return {1, stream->codecpar->sample_rate}; }
  int64_t zero() const { return stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time; }
};

AudioFile::AudioFile(const ByteSource& source, const std::atomic<bool>* stop, StageTimes* times,
                     CountedLengths* counted)
    : bytes_(checked(source)), name_(source.name()), stop_(stop), times_(times) {
  check_bytes(bytes_);
  silence_ffmpeg();
  open();
  info_.codec = avcodec_get_name(state_->stream->codecpar->codec_id);
  info_.rate = state_->stream->codecpar->sample_rate;
  info_.channels = state_->stream->codecpar->ch_layout.nb_channels;
  const AVStream& stream = *state_->stream;
  const bool without_length = stream.duration == AV_NOPTS_VALUE || stream.duration <= 0 ||
                              any_of(state_->format->iformat->name, kWithoutLength);
  if (without_length) {
    const auto key = counted != nullptr ? CountedLengths::key_of(source, bytes_.size()) : std::nullopt;
    const auto known = key ? counted->find(*key) : std::nullopt;
    info_.samples = known ? *known : count_samples();
    if (key && !known) counted->keep(*key, info_.samples);
  } else {
    info_.samples = av_rescale_q(stream.duration, stream.time_base, state_->samples());
  }
  check<DataError>(info_.samples > 0, "{}: the recording has no samples", name_);
  check<DataError>(possible_length(info_.rate, info_.samples),
                   "{}: broken audio file: expected at most 2^40 samples at up to 8 MHz, found {} at {} Hz",
                   name_, info_.samples, info_.rate);
}

AudioFile::~AudioFile() = default;

bool AudioFile::exact_length() const {
  const std::string_view format = state_->format->iformat->name;
  return (format == "flac" || format == "mp3") ||
         (info_.codec.starts_with("pcm_") && any_of(format, kPlainContainers));
}

void AudioFile::open() {
  state_ = std::make_unique<State>(bytes_, times_);
  State& s = *state_;
  s.format = avformat_alloc_context();
  check(s.format != nullptr, "{}: no memory for reading it", name_);
  s.format->pb = s.io.get();
  s.format->flags |= AVFMT_FLAG_CUSTOM_IO;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "none", 0);  // what a file refers to is never opened
  av_dict_set(&options, "format_whitelist", kFormats, 0);
  take_ffmpeg_message();
  const auto format = known_format(bytes_);
  // FFmpeg looks in the samples of a WAV for packed DTS, with every demuxer, packet by packet: one look is enough.
  if (format != nullptr && format->name == std::string_view("wav")) s.format->max_probe_packets = 1;
  int error = avformat_open_input(&s.format, ("file:" + name_).c_str(), format, &options);  // null on error
  av_dict_free(&options);
  check<DataError>(error >= 0, "{}: not an audio file that can be read ({})", name_, words(error));
  const auto known = [&] {
    const int stream = av_find_best_stream(s.format, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
    if (stream < 0) return false;
    s.stream = s.format->streams[stream];
    const AVCodecParameters& codec = *s.stream->codecpar;
    return codec.sample_rate > 0 && codec.ch_layout.nb_channels > 0 && codec.codec_id != AV_CODEC_ID_NONE;
  };
  // Headers of WAV and FLAC say all; elsewhere the first packets have to be looked at.
  if (!known()) {
    error = avformat_find_stream_info(s.format, nullptr);
    check<DataError>(error >= 0, "{}: broken audio file ({})", name_, words(error));
    const bool usable = known();
    check<DataError>(s.stream != nullptr, "{}: has no audio stream", name_);
    check<DataError>(usable, "{}: broken audio file: expected a sample rate and channels, found {} and {}",
                     name_, s.stream->codecpar->sample_rate, s.stream->codecpar->ch_layout.nb_channels);
  }
  check<DataError>(s.stream->codecpar->sample_rate <= kMostRate,
                   "{}: expected at most {} samples a second, its header says {}", name_, kMostRate,
                   s.stream->codecpar->sample_rate);
  for (unsigned i = 0; i < s.format->nb_streams; ++i) {
    if (s.format->streams[i] != s.stream) s.format->streams[i]->discard = AVDISCARD_ALL;
  }
  const AVCodec* decoder = avcodec_find_decoder(s.stream->codecpar->codec_id);
  check<DataError>(decoder != nullptr, "{}: FFmpeg has no decoder for {}", name_,
                   avcodec_get_name(s.stream->codecpar->codec_id));
  s.codec = avcodec_alloc_context3(decoder);
  error = avcodec_parameters_to_context(s.codec, s.stream->codecpar);
  s.codec->pkt_timebase = s.stream->time_base;
  s.codec->thread_count = 1;
  s.codec->err_recognition = AV_EF_CRCCHECK;
  if (error >= 0) error = avcodec_open2(s.codec, decoder, nullptr);
  check<DataError>(error >= 0, "{}: broken audio file ({})", name_, words(error));
}

int64_t AudioFile::count_samples() {
  int64_t samples = count_packets();
  open();
  if (samples > 0) return samples;
  samples = count_frames();  // packets without durations
  open();
  return samples;
}

int64_t AudioFile::count_packets() {
  State& s = *state_;
  int64_t total = 0, left_out = 0;
  while (av_read_frame(s.format, s.packet) >= 0) {
    check_stop(stop_);
    if (s.packet->stream_index == s.stream->index) {
      total += s.packet->duration;
      size_t size = 0;
      const uint8_t* skip = av_packet_get_side_data(s.packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
      if (skip != nullptr && size >= 8)
        left_out += little_endian32(skip) + int64_t{little_endian32(skip + 4)};
    }
    av_packet_unref(s.packet);
  }
  return av_rescale_q(total, s.stream->time_base, s.samples()) - left_out;
}

int64_t AudioFile::count_frames() {
  State& s = *state_;
  int64_t total = 0;
  bool more = true;
  while (more) {
    check_stop(stop_);
    more = av_read_frame(s.format, s.packet) >= 0;
    if (more && s.packet->stream_index != s.stream->index) {
      av_packet_unref(s.packet);
      continue;
    }
    avcodec_send_packet(s.codec, more ? s.packet : nullptr);
    av_packet_unref(s.packet);
    while (avcodec_receive_frame(s.codec, s.frame) >= 0) total += s.frame->nb_samples;
  }
  return total;
}

AudioFile::Entry AudioFile::entry(int64_t first) const {
  const std::string_view format = state_->format->iformat->name;
  const bool indexed = (info_.codec.starts_with("pcm_") && any_of(format, kPlainContainers)) ||
                       (info_.codec == "flac" && format == "flac");
  if (first > 0 && indexed) return Entry::seek;
  if (first > 0 && info_.codec == "mp3" && format == "mp3") return Entry::skip_packets;
  return Entry::beginning;
}

int64_t AudioFile::decode(int64_t first, std::span<float> out) {
  bool usable = true;
  const int64_t got = decode_from(entry(first), first, out, usable);
  if (usable) return got;
  open();  // the seek went astray: from the beginning then
  return decode_from(Entry::beginning, first, out, usable);
}

int64_t AudioFile::decode_from(Entry entry, int64_t first, std::span<float> out, bool& usable) {
  State& s = *state_;
  const auto wanted = static_cast<int64_t>(out.size());
  if (entry == Entry::seek) {
    const int64_t stamp = av_rescale_q(first, s.samples(), s.stream->time_base) + s.zero();
    if (av_seek_frame(s.format, s.stream->index, stamp, AVSEEK_FLAG_BACKWARD) < 0) {
      usable = false;
      return 0;
    }
  }
  int64_t position =
      entry == Entry::beginning ? 0 : -1;  // of the next sample out of the decoder; -1: unknown yet
  int64_t filled = 0;
  bool ended = false;
  const auto broken = [&](int error) {
    // Frames before the span are decoded for what they leave behind, not for themselves.
    if (entry == Entry::skip_packets && position < first) return;
    fail<DataError>("{}: broken audio after {:.2f} s ({})", name_,
                    static_cast<double>(std::max<int64_t>(position, 0)) / static_cast<double>(info_.rate),
                    words(error));
  };
  const auto drain = [&] {
    for (;;) {
      const int error = avcodec_receive_frame(s.codec, s.frame);
      if (error == AVERROR(EAGAIN)) return;
      if (error == AVERROR_EOF) {
        ended = true;
        return;
      }
      if (error < 0) return broken(error);
      check<DataError>(s.frame->sample_rate == info_.rate,
                       "{}: changes its sample rate from {} to {} after {:.2f} s", name_, info_.rate,
                       s.frame->sample_rate,
                       static_cast<double>(std::max<int64_t>(position, 0)) / static_cast<double>(info_.rate));
      if (entry != Entry::beginning) {
        if (s.frame->pts == AV_NOPTS_VALUE) {
          usable = position >= 0;
        } else {
          const int64_t stamped = av_rescale_q(s.frame->pts - s.zero(), s.stream->time_base, s.samples());
          usable = position < 0 ? stamped <= first : stamped == position;
          position = stamped;
        }
        if (!usable) return;
      }
      const int64_t count = s.frame->nb_samples;
      const int64_t from = std::clamp<int64_t>(first - position, 0, count);
      const int64_t take = std::min(count - from, wanted - filled);
      if (take > 0) {
        average_channels(*s.frame, from, out.subspan(static_cast<size_t>(filled), static_cast<size_t>(take)),
                         name_);
        filled += take;
      }
      position += count;
      av_frame_unref(s.frame);
      if (filled == wanted) return;
    }
  };
  int64_t warm_up_from = 0;
  if (entry == Entry::skip_packets) {
    const int64_t frame_samples = std::max(s.codec->frame_size, 576);
    warm_up_from = first - kWarmUpPackets * frame_samples;
  }
  while (filled < wanted && usable && !ended) {
    check_stop(stop_);
    const int read = av_read_frame(s.format, s.packet);
    if (read < 0) {
      if (read != AVERROR_EOF) broken(read);
      avcodec_send_packet(s.codec, nullptr);
      drain();
      break;
    }
    const bool ours = s.packet->stream_index == s.stream->index;
    const bool early =
        entry == Entry::skip_packets && s.packet->pts != AV_NOPTS_VALUE &&
        av_rescale_q(s.packet->pts - s.zero(), s.stream->time_base, s.samples()) < warm_up_from;
    if (ours && !early) {
      const int sent = avcodec_send_packet(s.codec, s.packet);
      if (sent < 0 && sent != AVERROR(EAGAIN)) broken(sent);
      drain();
    }
    av_packet_unref(s.packet);
  }
  return filled;
}

}  // namespace d2v
