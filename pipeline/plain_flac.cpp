#include "plain_flac.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "d2v/pipeline/read_stop.h"
#include "ffmpeg_file.h"
#include "flac_bits.h"
#include "length_cache.h"
#include "mono.h"

namespace d2v {
namespace {

constexpr int kMostFlacBlocks = 1000;  // of metadata
constexpr size_t kFlacPiece = size_t{1} << 16;

// No frame is longer but by an encoder that makes its sound larger.
size_t most_frame_bytes(const FlacStream& stream) {
  return 64 + static_cast<size_t>(stream.channels * ((stream.bits + 1) * stream.most_block / 8 + 16));
}

std::optional<FlacStream> stream_info(std::span<const uint8_t> b) {
  FlacStream stream;
  stream.least_block = b[0] << 8 | b[1];
  stream.most_block = b[2] << 8 | b[3];
  stream.rate = b[10] << 12 | b[11] << 4 | b[12] >> 4;
  stream.channels = (b[12] >> 1 & 7) + 1;
  stream.bits = ((b[12] & 1) << 4 | b[13] >> 4) + 1;
  stream.samples = int64_t{b[13] & 15} << 32 | int64_t{b[14]} << 24 | b[15] << 16 | b[16] << 8 | b[17];
  const bool usual = stream.least_block >= 16 && stream.least_block <= stream.most_block && stream.rate > 0 &&
                     stream.rate <= kMostRate && stream.bits >= 4 && stream.bits <= 24 &&
                     stream.samples > 0 && possible_length(stream.rate, stream.samples);
  return usual ? std::optional(stream) : std::nullopt;
}

// A piece of the file that slides over it.
class FlacWindow {
 public:
  FlacWindow(const OpenBytes& file, std::vector<uint8_t>& bytes, size_t most_frame, StageTimes* times)
      : file_(file), bytes_(bytes), most_frame_(most_frame), times_(times) {
    const size_t size = std::max(kFlacPiece, 2 * most_frame) + kFlacSlack;
    if (bytes_.size() < size) bytes_.resize(size);
  }

  // From byte `at` on, a whole frame if there is one; zeros behind it.
  std::span<const uint8_t> from(uint64_t at) {
    if (at < first_ || at > first_ + held_) first_ = at, held_ = 0;
    const auto skip = static_cast<size_t>(at - first_);
    if (held_ - skip < most_frame_ && first_ + held_ < file_.size()) {
      std::memmove(bytes_.data(), bytes_.data() + skip, held_ - skip);
      held_ -= skip;
      first_ = at;
      const StageTimer timer(times_, Stage::read);
      const size_t got =
          file_.read_at(first_ + held_, std::span(bytes_).subspan(held_, bytes_.size() - kFlacSlack - held_));
      if (times_ != nullptr) times_->bytes += static_cast<int64_t>(got);
      held_ += got;
      std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(held_), kFlacSlack, uint8_t{0});
      return std::span(bytes_).first(held_);
    }
    return std::span(bytes_).subspan(skip, held_ - skip);
  }

 private:
  const OpenBytes& file_;
  std::vector<uint8_t>& bytes_;
  size_t most_frame_;
  StageTimes* times_;
  uint64_t first_ = 0;
  size_t held_ = 0;
};

struct FlacPlace {
  uint64_t byte = 0;
  int64_t sample = 0;
};

// The first frame that begins at byte `at` or behind it, within one frame's length. What only looks like one is told by the frames
// that are decoded from there.
std::optional<FlacPlace> next_frame(const FlacStream& stream, FlacWindow& window, uint64_t at) {
  const std::span<const uint8_t> bytes = window.from(at);
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    const void* found = std::memchr(bytes.data() + i, 0xff, bytes.size() - i);
    if (found == nullptr) return std::nullopt;
    i = static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data());
    if (const auto header = flac_frame_header(stream, bytes.subspan(i)))
      return FlacPlace{at + i, header->first};
  }
  return std::nullopt;
}

// A frame at or before sample `first`, not far from it.
FlacPlace entry_frame(const PlainFlac& flac, uint64_t size, FlacWindow& window, int64_t first) {
  const FlacStream& stream = flac.stream;
  FlacPlace low{flac.first, 0}, high{size, stream.samples};
  for (int i = 0; i < 40 && first - low.sample > 4 * stream.most_block; ++i) {
    const double per_sample =
        static_cast<double>(high.byte - low.byte) / static_cast<double>(high.sample - low.sample);
    const auto ahead =
        static_cast<uint64_t>(per_sample * static_cast<double>(first - low.sample - 2 * stream.most_block));
    const uint64_t guess = low.byte + std::max<uint64_t>(ahead, 1);
    if (guess >= high.byte) break;
    const auto found = next_frame(stream, window, guess);
    if (found && found->byte < high.byte && found->sample > low.sample && found->sample <= first) {
      low = *found;
    } else {
      high.byte = guess;
      if (found && found->sample > first && found->sample < high.sample) high.sample = found->sample;
    }
  }
  return low;
}

}  // namespace

std::optional<PlainFlac> plain_flac(const OpenBytes& file) {
  std::array<uint8_t, 42> head{};
  if (file.read_at(0, head) < head.size() || std::memcmp(head.data(), "fLaC", 4) != 0) return std::nullopt;
  const auto length = [](const uint8_t* block) {
    return uint64_t{block[1]} << 16 | block[2] << 8 | block[3];
  };
  if ((head[4] & 0x7f) != 0 || length(head.data() + 4) != 34) return std::nullopt;
  const auto stream = stream_info(std::span(head).subspan(8));
  if (!stream) return std::nullopt;
  PlainFlac flac{.info = {.codec = "flac",
                          .rate = stream->rate,
                          .channels = stream->channels,
                          .samples = stream->samples},
                 .stream = *stream,
                 .first = 42};
  bool last = (head[4] & 0x80) != 0;
  for (int i = 0; i < kMostFlacBlocks && !last; ++i) {
    std::array<uint8_t, 4> block{};
    if (file.read_at(flac.first, block) < block.size()) return std::nullopt;
    last = (block[0] & 0x80) != 0;
    flac.first += 4 + length(block.data());
  }
  return last && flac.first < file.size() ? std::optional(flac) : std::nullopt;
}

bool read_plain_flac(const PlainFlac& flac, const OpenBytes& file, int64_t first, std::span<float> out,
                     std::vector<uint8_t>& buffer, std::vector<int32_t>& planes,
                     const std::atomic<bool>* stop, StageTimes* times) {
  const FlacStream& stream = flac.stream;
  FlacWindow window(file, buffer, most_frame_bytes(stream), times);
  const float scale = 1.0f / static_cast<float>(int64_t{1} << (stream.bits - 1));  // a power of two: exact
  FlacPlace at = entry_frame(flac, file.size(), window, first);
  for (size_t done = 0; done < out.size();) {
    check_stop(stop);
    const std::span<const uint8_t> bytes = window.from(at.byte);
    const auto header = flac_frame_header(stream, bytes);
    if (!header || header->first != at.sample) return false;
    const auto length = decode_flac_frame(stream, *header, bytes, planes);
    if (!length) return false;
    at = {at.byte + *length, at.sample + header->samples};
    const int64_t from = first + static_cast<int64_t>(done) - header->first;
    if (from >= header->samples) continue;
    const size_t count = std::min(static_cast<size_t>(header->samples - from), out.size() - done);
    std::array<const int32_t*, 8> channels{};
    for (int64_t c = 0; c < stream.channels; ++c) channels[c] = flac_channel(stream, planes, c) + from;
    average_planes(stream.channels, out.subspan(done, count),
                   [&](int64_t c, int64_t i) { return static_cast<float>(channels[c][i]) * scale; });
    done += count;
  }
  return true;
}

}  // namespace d2v
