#include "ffmpeg_span.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/pipeline/read_stop.h"
#include "ffmpeg_count.h"

namespace d2v {
namespace {

// mp3 frames refer to bytes of earlier ones, Vorbis frames overlap; so many frames before the span make its result exact.
constexpr int64_t kWarmUpPackets = 96;

class SpanDecoder {
 public:
  SpanDecoder(FfmpegFile& file, const SpanRequest& request, bool from_beginning)
      : file_(file), request_(request), rate_(file.stream->codecpar->sample_rate) {
    if (from_beginning || request.first == 0) return;
    if (file.indexed()) entry_ = Entry::seek;
    if (file.skips_packets()) entry_ = Entry::skip_packets;
    if (entry_ != Entry::beginning) position_ = -1;
  }

  std::optional<DecodedSpan> run() {
    if (entry_ == Entry::seek && !seek()) return std::nullopt;
    while (filled_ < request_.wanted && usable_ && !ended_) {
      check_stop(request_.stop);
      next_packet();
    }
    if (!usable_) return std::nullopt;
    DecodedSpan span{.samples = filled_, .total = {}};
    if (read_all_ && entry_ != Entry::seek) {
      const int64_t told = count_.samples(file_);
      span.total = told > 0 ? told : std::max<int64_t>(position_, 0);
    }
    return span;
  }

 private:
  enum class Entry { beginning, seek, skip_packets };

  bool seek() {
    const int64_t zero = file_.stream->start_time == AV_NOPTS_VALUE ? 0 : file_.stream->start_time;
    const int64_t stamp = av_rescale_q(request_.first, file_.sample_base(), file_.stream->time_base) + zero;
    return av_seek_frame(file_.format, file_.stream->index, stamp, AVSEEK_FLAG_BACKWARD) >= 0;
  }

  void next_packet() {
    const int read = av_read_frame(file_.format, file_.packet);
    if (read < 0) {
      if (read != AVERROR_EOF) broken(read);
      read_all_ = ended_ = true;
      avcodec_send_packet(file_.codec, nullptr);
      return drain();
    }
    if (file_.packet->stream_index == file_.stream->index) {
      count_.add(*file_.packet);
      if (!early(*file_.packet)) {
        const int sent = avcodec_send_packet(file_.codec, file_.packet);
        if (sent < 0 && sent != AVERROR(EAGAIN)) broken(sent);
        drain();
      }
    }
    av_packet_unref(file_.packet);
  }

  // Whether nothing in the span depends on a packet.
  bool early(const AVPacket& packet) const {
    const int64_t frame_samples = std::max(file_.codec->frame_size, 576);
    return entry_ == Entry::skip_packets && packet.pts != AV_NOPTS_VALUE &&
           file_.samples_at(packet.pts) < request_.first - kWarmUpPackets * frame_samples;
  }

  void drain() {
    while (usable_ && filled_ < request_.wanted) {
      const int error = avcodec_receive_frame(file_.codec, file_.frame);
      if (error == AVERROR(EAGAIN)) return;
      if (error == AVERROR_EOF) {
        ended_ = true;
        return;
      }
      if (error < 0) return broken(error);
      check<DataError>(file_.frame->sample_rate == rate_,
                       "{}: changes its sample rate from {} to {} after {:.2f} s", file_.name, rate_,
                       file_.frame->sample_rate, seconds());
      if (entry_ != Entry::beginning)
        find_position();
      else
        check_nothing_lost();
      if (usable_) take_frame();
      av_frame_unref(file_.frame);
    }
  }

  void find_position() {
    if (file_.frame->pts == AV_NOPTS_VALUE) {
      usable_ = position_ >= 0;
      return;
    }
    const int64_t stamped = file_.samples_at(file_.frame->pts);
    usable_ = position_ < 0 ? stamped <= request_.first : stamped == position_;
    position_ = stamped;
  }

  // The parser passes over bytes that it cannot make frames of.
  void check_nothing_lost() const {
    if (!file_.stamps_samples() || file_.frame->pts == AV_NOPTS_VALUE) return;
    check<DataError>(file_.samples_at(file_.frame->pts) == position_,
                     "{}: broken audio after {:.2f} s (a frame is missing)", file_.name, seconds());
  }

  void take_frame() {
    const int64_t count = file_.frame->nb_samples;
    const int64_t from = std::clamp<int64_t>(request_.first - position_, 0, count);
    const int64_t take = std::min(count - from, request_.wanted - filled_);
    if (take > 0) {
      const size_t to = request_.at + static_cast<size_t>(filled_), end = to + static_cast<size_t>(take);
      if (request_.out.size() < end) request_.out.resize(std::max(end, 2 * request_.out.size()));
      average_channels(*file_.frame, from, std::span(request_.out).subspan(to, static_cast<size_t>(take)),
                       file_.name);
      filled_ += take;
    }
    position_ += count;
  }

  void broken(int error) const {
    // Frames before the span are decoded for what they leave behind, not for themselves.
    if (entry_ == Entry::skip_packets && position_ < request_.first) return;
    fail<DataError>("{}: broken audio after {:.2f} s ({})", file_.name, seconds(), error_words(error));
  }

  double seconds() const {
    return static_cast<double>(std::max<int64_t>(position_, 0)) / static_cast<double>(rate_);
  }

  FfmpegFile& file_;
  const SpanRequest& request_;
  const int64_t rate_;
  Entry entry_ = Entry::beginning;
  int64_t position_ = 0;  // of the next sample out of the decoder; -1: unknown yet
  int64_t filled_ = 0;
  bool usable_ = true, ended_ = false, read_all_ = false;
  PacketCount count_;
};

}  // namespace

std::optional<DecodedSpan> decode_span(FfmpegFile& file, const SpanRequest& request, bool from_beginning) {
  return SpanDecoder(file, request, from_beginning).run();
}

}  // namespace d2v
