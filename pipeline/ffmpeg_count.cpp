#include "ffmpeg_count.h"

#include "d2v/pipeline/read_stop.h"

namespace d2v {
void PacketCount::add(const AVPacket& packet) {
  duration += packet.duration;
  size_t size = 0;
  const uint8_t* skip = av_packet_get_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
  if (skip != nullptr && size >= 8) left_out += little_endian32(skip) + int64_t{little_endian32(skip + 4)};
}

int64_t PacketCount::samples(const FfmpegFile& file) const {
  return av_rescale_q(duration, file.stream->time_base, file.sample_base()) - left_out;
}

int64_t count_packets(FfmpegFile& file, const std::atomic<bool>* stop) {
  PacketCount count;
  while (av_read_frame(file.format, file.packet) >= 0) {
    check_stop(stop);
    if (file.packet->stream_index == file.stream->index) count.add(*file.packet);
    av_packet_unref(file.packet);
  }
  return count.samples(file);
}

int64_t count_frames(FfmpegFile& file, const std::atomic<bool>* stop) {
  int64_t total = 0;
  bool more = true;
  while (more) {
    check_stop(stop);
    more = av_read_frame(file.format, file.packet) >= 0;
    if (more && file.packet->stream_index != file.stream->index) {
      av_packet_unref(file.packet);
      continue;
    }
    avcodec_send_packet(file.codec, more ? file.packet : nullptr);
    av_packet_unref(file.packet);
    while (avcodec_receive_frame(file.codec, file.frame) >= 0) total += file.frame->nb_samples;
  }
  return total;
}

}  // namespace d2v
