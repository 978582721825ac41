#include "audio_file.h"

#include <algorithm>
#include <filesystem>

#include "cut_wav.h"
#include "d2v/base/check.h"
#include "ffmpeg_count.h"
#include "ffmpeg_span.h"
#include "length_cache.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

// A folder or a missing file is named before anything opens it.
const ByteSource& checked_source(const ByteSource& source) {
  if (source.memory) return source;
  std::error_code error;
  const fs::file_status status = fs::status(source.path, error);
  check<DataError>(fs::exists(status), "{}: No such file or directory", source.name());
  check<DataError>(fs::is_regular_file(status), "{}: not a file that can be read as audio", source.name());
  return source;
}

void check_not_cut(const OpenBytes& bytes) {
  if (const auto cut = cut_wav(bytes)) {
    fail<DataError>("{}: truncated: its header says {} bytes of sound, the file has {}", bytes.name(),
                    cut->promised, cut->found);
  }
}

}  // namespace

AudioFile::AudioFile(const ByteSource& source, AudioScratch& scratch)
    : bytes_(checked_source(source)), scratch_(scratch) {
  check<DataError>(bytes_.size() > 0, "{}: the file is empty", bytes_.name());
  wav_ = plain_wav(bytes_);
  if (!wav_) flac_ = plain_flac(bytes_);
  if (wav_ || flac_) {
    info_ = wav_ ? wav_->info : flac_->info;
    return;
  }
  check_not_cut(bytes_);
  open_in_ffmpeg();
}

void AudioFile::open_in_ffmpeg() {
  ffmpeg_ = std::make_unique<FfmpegFile>(bytes_, scratch_.times);
  info_ = ffmpeg_->info();
  exact_length_ = ffmpeg_->exact_length();
  if (info_.samples != 0) set_length(info_.samples);
}

void AudioFile::set_length(int64_t samples) {
  info_.samples = samples;
  check<DataError>(samples > 0, "{}: the recording has no samples", bytes_.name());
  check<DataError>(possible_length(info_.rate, samples),
                   "{}: broken audio file: expected at most 2^40 samples at up to 8 MHz, found {} at {} Hz",
                   bytes_.name(), samples, info_.rate);
}

void AudioFile::count_samples() {
  if (info_.samples != 0) return;
  int64_t samples = count_packets(*ffmpeg_, scratch_.stop);
  if (samples <= 0) {
    ffmpeg_ = std::make_unique<FfmpegFile>(bytes_, scratch_.times);
    samples = count_frames(*ffmpeg_, scratch_.stop);
  }
  set_length(samples);
}

int64_t AudioFile::decode(int64_t first, int64_t wanted, std::vector<float>& out, size_t at) {
  if (!wav_ && !flac_) return decode_in_ffmpeg(first, wanted, out, at);
  const int64_t count = std::clamp<int64_t>(info_.samples - first, 0, wanted);
  if (out.size() < at + static_cast<size_t>(count)) out.resize(at + static_cast<size_t>(count));
  const std::span<float> to = std::span(out).subspan(at, static_cast<size_t>(count));
  if (wav_) {
    read_plain_wav(*wav_, bytes_, first, to, scratch_.bytes, scratch_.stop, scratch_.times);
  } else if (!read_plain_flac(*flac_, bytes_, first, to, scratch_.bytes, scratch_.planes, scratch_.stop,
                              scratch_.times)) {
    open_in_ffmpeg();
    return decode_in_ffmpeg(first, wanted, out, at);
  }
  return count;
}

int64_t AudioFile::decode_in_ffmpeg(int64_t first, int64_t wanted, std::vector<float>& out, size_t at) {
  const SpanRequest request{.first = first, .wanted = wanted, .out = out, .at = at, .stop = scratch_.stop};
  std::optional<DecodedSpan> span = decode_span(*ffmpeg_, request, false);
  if (!span) {  // the seek went astray: from the beginning then
    ffmpeg_ = std::make_unique<FfmpegFile>(bytes_, scratch_.times);
    span = decode_span(*ffmpeg_, request, true);
  }
  if (info_.samples == 0 && span && span->samples < wanted) {
    if (!span->total) ffmpeg_ = std::make_unique<FfmpegFile>(bytes_, scratch_.times);
    span->total ? set_length(*span->total) : count_samples();
  }
  return span ? span->samples : 0;
}

}  // namespace d2v
