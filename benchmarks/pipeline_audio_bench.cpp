// Seconds of audio per second of one core, on a folder of the user's: D2V_BENCH_AUDIO=DIR. items_per_second is that ratio.
//   audio            any file to 16 kHz mono float
//   audio_decode     the same without resampling: what our part of reading allows at most
//   audio_ffmpeg     FFmpeg's demuxers and decoders alone, samples dropped: what reading by FFmpeg allows at most
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include "d2v/pipeline/audio_reader.h"

namespace {

constexpr int64_t kMost = int64_t{1} << 40;

std::vector<std::filesystem::path> recordings(benchmark::State& state) {
  std::vector<std::filesystem::path> files;
  const char* folder = std::getenv("D2V_BENCH_AUDIO");
  if (folder == nullptr) {
    state.SkipWithError("set D2V_BENCH_AUDIO to a folder of recordings");
    return files;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".wav" || ending == ".flac" || ending == ".mp3" || ending == ".ogg")
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void audio(benchmark::State& state) {
  const auto files = recordings(state);
  const d2v::AudioReader reader(16000);
  d2v::AudioScratch scratch;
  int64_t samples = 0;
  for (auto _ : state) {
    for (const std::filesystem::path& file : files)
      samples += static_cast<int64_t>(reader.read_all(file, kMost, scratch).size());
  }
  state.SetItemsProcessed(samples / 16000);
}

void audio_decode(benchmark::State& state) {
  const auto files = recordings(state);
  std::map<int64_t, std::unique_ptr<d2v::AudioReader>> readers;
  std::vector<std::pair<const d2v::AudioReader*, int64_t>> reader_of;
  for (const std::filesystem::path& file : files) {
    const int64_t rate = d2v::read_audio_info(file).rate;
    auto& reader = readers[rate];
    if (!reader) reader = std::make_unique<d2v::AudioReader>(rate);
    reader_of.emplace_back(reader.get(), rate);
  }
  d2v::AudioScratch scratch;
  double seconds = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < files.size(); ++i) {
      const auto [reader, rate] = reader_of[i];
      seconds +=
          static_cast<double>(reader->read_all(files[i], kMost, scratch).size()) / static_cast<double>(rate);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(seconds));
}

// Seconds of sound; 0 where it cannot be opened.
double decode_by_ffmpeg(const std::filesystem::path& file) {
  AVFormatContext* format = nullptr;
  const std::string ending = file.extension().string().substr(1);
  if (avformat_open_input(&format, file.c_str(), av_find_input_format(ending.c_str()), nullptr) < 0) return 0;
  const auto known = [&] { return format->nb_streams > 0 && format->streams[0]->codecpar->sample_rate > 0; };
  if (!known()) avformat_find_stream_info(format, nullptr);
  double seconds = 0;
  if (known()) {
    const AVStream& stream = *format->streams[0];
    const AVCodec* decoder = avcodec_find_decoder(stream.codecpar->codec_id);
    AVCodecContext* codec = avcodec_alloc_context3(decoder);
    avcodec_parameters_to_context(codec, stream.codecpar);
    codec->thread_count = 1;
    avcodec_open2(codec, decoder, nullptr);
    AVPacket* packet = av_packet_alloc();
    AVFrame* frame = av_frame_alloc();
    int64_t samples = 0;
    for (bool more = true; more;) {
      more = av_read_frame(format, packet) >= 0;
      avcodec_send_packet(codec, more ? packet : nullptr);
      av_packet_unref(packet);
      while (avcodec_receive_frame(codec, frame) >= 0) samples += frame->nb_samples;
    }
    seconds = static_cast<double>(samples) / stream.codecpar->sample_rate;
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
  }
  avformat_close_input(&format);
  return seconds;
}

void audio_ffmpeg(benchmark::State& state) {
  const auto files = recordings(state);
  double seconds = 0;
  for (auto _ : state) {
    for (const std::filesystem::path& file : files) seconds += decode_by_ffmpeg(file);
  }
  state.SetItemsProcessed(static_cast<int64_t>(seconds));
}

BENCHMARK(audio)->UseRealTime()->MinTime(3);
BENCHMARK(audio_decode)->UseRealTime()->MinTime(3);
BENCHMARK(audio_ffmpeg)->UseRealTime()->MinTime(3);

}  // namespace
