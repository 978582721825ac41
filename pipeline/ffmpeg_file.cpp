#include "ffmpeg_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "d2v/base/check.h"
#include "known_format.h"

namespace d2v {
namespace {

// Demuxers of sound and of films with sound. No playlists, no concatenation scripts, no devices.
constexpr const char* kFormats =
    "wav,w64,aiff,au,caf,flac,ogg,mp3,aac,ac3,mov,mp4,m4a,matroska,webm,asf,amr,wv,ape,tta";

// Containers whose headers have no length, or a guess.
constexpr std::array<std::string_view, 2> kWithoutLength{"mp3", "aac"};

// Containers whose PCM has an exact length and can be entered at any sample.
constexpr std::array<std::string_view, 5> kPlainContainers{"wav", "w64", "aiff", "au", "caf"};

bool any_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string error_words(int error) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(error, text.data(), text.size());
  const std::string detail = take_ffmpeg_message();
  return detail.empty() ? text.data() : fmt::format("{}: {}", text.data(), detail);
}

FfmpegFile::FfmpegFile(const OpenBytes& bytes, StageTimes* times)
    : name(bytes.name()), cursor{&bytes, 0, times}, io(open_avio(cursor)) {
  silence_ffmpeg();
  try {
    open_container(bytes);
    find_stream();
    open_decoder();
    packet = av_packet_alloc();
    frame = av_frame_alloc();
    check(packet != nullptr && frame != nullptr, "{}: no memory for decoding it", name);
  } catch (...) {
    avcodec_free_context(&codec);
    avformat_close_input(&format);
    av_packet_free(&packet);
    av_frame_free(&frame);
    throw;
  }
}

FfmpegFile::~FfmpegFile() {
  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&codec);
  avformat_close_input(&format);
}

void FfmpegFile::open_container(const OpenBytes& bytes) {
  format = avformat_alloc_context();
  check(format != nullptr, "{}: no memory for reading it", name);
  format->pb = io.get();
  format->flags |= AVFMT_FLAG_CUSTOM_IO;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "none", 0);  // what a file refers to is never opened
  av_dict_set(&options, "format_whitelist", kFormats, 0);
  take_ffmpeg_message();
  const char* known = known_format(bytes);
  // FFmpeg looks in the samples of a WAV for packed DTS, with every demuxer, packet by packet: one look is enough.
  if (known != nullptr && known == std::string_view("wav")) format->max_probe_packets = 1;
  const int error = avformat_open_input(&format, ("file:" + name).c_str(),  // sets `format` to null on error
                                        known != nullptr ? av_find_input_format(known) : nullptr, &options);
  av_dict_free(&options);
  check<DataError>(error >= 0, "{}: not an audio file that can be read ({})", name, error_words(error));
}

void FfmpegFile::find_stream() {
  const auto known = [&] {
    const int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
    if (best < 0) return false;
    stream = format->streams[best];
    const AVCodecParameters& found = *stream->codecpar;
    return found.sample_rate > 0 && found.ch_layout.nb_channels > 0 && found.codec_id != AV_CODEC_ID_NONE;
  };
  // Headers of WAV and FLAC say all; elsewhere the first packets have to be looked at.
  if (!known()) {
    const int error = avformat_find_stream_info(format, nullptr);
    check<DataError>(error >= 0, "{}: broken audio file ({})", name, error_words(error));
    const bool usable = known();
    check<DataError>(stream != nullptr, "{}: has no audio stream", name);
    check<DataError>(usable, "{}: broken audio file: expected a sample rate and channels, found {} and {}",
                     name, stream->codecpar->sample_rate, stream->codecpar->ch_layout.nb_channels);
  }
  check<DataError>(stream->codecpar->sample_rate <= kMostRate,
                   "{}: expected at most {} samples a second, its header says {}", name, kMostRate,
                   stream->codecpar->sample_rate);
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    if (format->streams[i] != stream) format->streams[i]->discard = AVDISCARD_ALL;
  }
}

void FfmpegFile::open_decoder() {
  const AVCodec* decoder = avcodec_find_decoder(stream->codecpar->codec_id);
  check<DataError>(decoder != nullptr, "{}: FFmpeg has no decoder for {}", name,
                   avcodec_get_name(stream->codecpar->codec_id));
  codec = avcodec_alloc_context3(decoder);
  check(codec != nullptr, "{}: no memory for decoding it", name);
  int error = avcodec_parameters_to_context(codec, stream->codecpar);
  codec->pkt_timebase = stream->time_base;
  codec->thread_count = 1;
  codec->err_recognition = AV_EF_CRCCHECK;
  // Frames with a wrong checksum would be handed over with a warning only.
  if (codec->codec_id == AV_CODEC_ID_FLAC) codec->err_recognition |= AV_EF_EXPLODE;
  if (error >= 0) error = avcodec_open2(codec, decoder, nullptr);
  check<DataError>(error >= 0, "{}: broken audio file ({})", name, error_words(error));
}

AudioInfo FfmpegFile::info() const {
  AudioInfo info{.codec = avcodec_get_name(stream->codecpar->codec_id),
                 .rate = stream->codecpar->sample_rate,
                 .channels = stream->codecpar->ch_layout.nb_channels};
  const bool without_length = stream->duration == AV_NOPTS_VALUE || stream->duration <= 0 ||
                              any_of(format->iformat->name, kWithoutLength);
  if (without_length) return info;
  info.samples = av_rescale_q(stream->duration, stream->time_base, sample_base());
  // FFmpeg counts what Opus decoders drop at the beginning.
  if (codec->codec_id == AV_CODEC_ID_OPUS && format->iformat->name == std::string_view("ogg"))
    info.samples = std::max<int64_t>(info.samples - stream->codecpar->initial_padding, 0);
  return info;
}

bool FfmpegFile::indexed() const {
  const std::string_view container = format->iformat->name, coding = avcodec_get_name(codec->codec_id);
  return (coding.starts_with("pcm_") && any_of(container, kPlainContainers)) ||
         (coding == "flac" && container == "flac");
}

bool FfmpegFile::skips_packets() const {
  const std::string_view container = format->iformat->name;
  if (codec->codec_id == AV_CODEC_ID_MP3) return container == "mp3";
  return codec->codec_id == AV_CODEC_ID_VORBIS && container == "ogg" &&
         av_cmp_q(stream->time_base, sample_base()) == 0;
}

bool FfmpegFile::stamps_samples() const {
  return codec->codec_id == AV_CODEC_ID_FLAC && format->iformat->name == std::string_view("flac");
}

bool FfmpegFile::exact_length() const {
  const std::string_view container = format->iformat->name;
  return container == "flac" || container == "mp3" || indexed();
}

int64_t FfmpegFile::samples_at(int64_t stamp) const {
  const int64_t zero = stream->start_time == AV_NOPTS_VALUE ? 0 : stream->start_time;
  return av_rescale_q(stamp - zero, stream->time_base, sample_base());
}

}  // namespace d2v
