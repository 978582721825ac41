#include "flac_frame.h"

#include <algorithm>
#include <array>
#include <bit>

#include "flac_bits.h"
#include "flac_checks.h"
#include "flac_predict.h"
#include "flac_rice.h"

namespace d2v {
namespace {

constexpr int kLeftSide = 8, kSideRight = 9, kMidSide = 10;

bool residual(FlacBits& bits, int64_t order, int64_t samples, int32_t* out) {
  const uint32_t method = bits.take(2);
  if (method > 1) return false;
  const int width = method == 0 ? 4 : 5;
  const uint32_t raw = (1u << width) - 1;
  const auto splits = static_cast<int>(bits.take(4));
  const int64_t length = samples >> splits;
  if (length << splits != samples || length < order) return false;
  int64_t at = order;
  for (int64_t end = length; end <= samples; end += length) {
    const uint32_t parameter = bits.take(width);
    if (parameter == raw) {
      const auto plain = static_cast<int>(bits.take(5));
      for (int64_t i = at; i < end; ++i) out[i] = bits.take_signed(plain);
    } else {
      take_rice(bits, static_cast<int>(parameter), out + at, end - at);
    }
    at = end;
    if (bits.overran()) return false;
  }
  return true;
}

// The first samples as they are, prediction, residual.
bool predicted(FlacBits& bits, bool free, int64_t order, int width, int64_t samples, int32_t* out) {
  if (order > samples) return false;
  for (int64_t i = 0; i < order; ++i) out[i] = bits.take_signed(width);
  FlacPredictor predictor = free ? FlacPredictor{} : fixed_predictor(order);
  if (free) {
    predictor.order = order;
    predictor.precision = static_cast<int>(bits.take(4)) + 1;
    predictor.shift = bits.take_signed(5);
    if (predictor.precision == 16 || predictor.shift < 0) return false;
    for (int64_t j = 0; j < order; ++j) predictor.coefficients[j] = bits.take_signed(predictor.precision);
  }
  if (!residual(bits, order, samples, out)) return false;
  predict(predictor, width, samples, out);
  return true;
}

bool subframe(FlacBits& bits, int width, int64_t samples, int32_t* out) {
  if (bits.take(1) != 0) return false;
  const uint32_t type = bits.take(6);
  int wasted = 0;
  if (bits.take(1) != 0) {
    const uint32_t zeros = bits.take_unary();
    if (static_cast<int64_t>(zeros) + 1 >= width) return false;
    wasted = static_cast<int>(zeros) + 1;
    width -= wasted;
  }
  if (type == 0) {
    std::fill_n(out, samples, bits.take_signed(width));
  } else if (type == 1) {
    for (int64_t i = 0; i < samples; ++i) out[i] = bits.take_signed(width);
  } else if (type >= 8 && type <= 12) {
    if (!predicted(bits, false, type - 8, width, samples, out)) return false;
  } else if (type >= 32) {
    if (!predicted(bits, true, type - 31, width, samples, out)) return false;
  } else {
    return false;
  }
  if (wasted > 0)
    for (int64_t i = 0; i < samples; ++i)
      out[i] = static_cast<int32_t>(static_cast<uint32_t>(out[i]) << wasted);
  return !bits.overran();
}

// Two channels out of one and their difference, or of their mean and difference.
void separate(int mode, int64_t samples, int32_t* a, int32_t* b) {
  const auto word = [](int32_t value) { return static_cast<uint32_t>(value); };
  for (int64_t i = 0; i < samples; ++i) {
    if (mode == kLeftSide) {
      b[i] = static_cast<int32_t>(word(a[i]) - word(b[i]));
    } else if (mode == kSideRight) {
      a[i] = static_cast<int32_t>(word(a[i]) + word(b[i]));
    } else {
      const uint32_t twice = word(a[i]) << 1 | (word(b[i]) & 1), side = word(b[i]);
      a[i] = static_cast<int32_t>(twice + side) >> 1;
      b[i] = static_cast<int32_t>(twice - side) >> 1;
    }
  }
}

// A number in as many bytes as UTF-8 would take, up to 36 bits.
std::optional<uint64_t> coded_number(std::span<const uint8_t> bytes, size_t& at) {
  const uint8_t first = bytes[at++];
  const int ones = std::countl_one(first);
  if (ones == 0) return first;
  if (ones == 1 || ones == 8) return std::nullopt;
  uint64_t number = ones >= 7 ? 0 : first & (0x7fu >> ones);
  for (int i = 1; i < ones; ++i) {
    const uint8_t next = bytes[at++];
    if ((next & 0xc0) != 0x80) return std::nullopt;
    number = number << 6 | (next & 0x3f);
  }
  return number;
}

int64_t block_samples(int code, std::span<const uint8_t> bytes, size_t& at) {
  if (code == 1) return 192;
  if (code >= 2 && code <= 5) return 576 << (code - 2);
  if (code >= 8) return 256 << (code - 8);
  if (code == 6) return bytes[at++] + 1;
  if (code != 7) return 0;
  at += 2;
  return (bytes[at - 2] << 8 | bytes[at - 1]) + 1;
}

bool same_rate(int code, int64_t rate, std::span<const uint8_t> bytes, size_t& at) {
  constexpr std::array<int64_t, 12> kRates{0,      88'200, 176'400, 192'000, 8'000,  16'000,
                                           22'050, 24'000, 32'000,  44'100,  48'000, 96'000};
  if (code == 0) return true;
  if (code < 12) return kRates[static_cast<size_t>(code)] == rate;
  if (code == 12) return bytes[at++] * 1000 == rate;
  if (code == 15) return false;
  at += 2;
  const int64_t number = bytes[at - 2] << 8 | bytes[at - 1];
  return number * (code == 14 ? 10 : 1) == rate;
}

// Each channel has zeros in front of its samples.
int64_t plane_stride(const FlacStream& stream) { return kFlacHistory + stream.most_block; }

}  // namespace

const int32_t* flac_channel(const FlacStream& stream, const std::vector<int32_t>& planes, int64_t channel) {
  return planes.data() + channel * plane_stride(stream) + kFlacHistory;
}

std::optional<FlacFrameHeader> flac_frame_header(const FlacStream& stream, std::span<const uint8_t> bytes) {
  constexpr size_t kLongest = 16;
  std::array<uint8_t, kLongest> padded{};
  if (bytes.size() < kLongest) {  // the last frame of a file may be shorter than the longest header
    std::copy(bytes.begin(), bytes.end(), padded.begin());
    const auto header = bytes.empty() ? std::nullopt : flac_frame_header(stream, padded);
    return header && header->bytes <= bytes.size() ? header : std::nullopt;
  }
  if (bytes[0] != 0xff || (bytes[1] & 0xfe) != 0xf8 || (bytes[3] & 1) != 0) return std::nullopt;
  const bool variable = (bytes[1] & 1) != 0;
  constexpr std::array<int64_t, 8> kBits{0, 8, 12, -1, 16, 20, 24, 32};
  const int mode = bytes[3] >> 4;
  const int64_t width = kBits[bytes[3] >> 1 & 7];
  if (width != 0 && width != stream.bits) return std::nullopt;
  if (mode > kMidSide || (mode < kLeftSide ? mode + 1 : 2) != stream.channels) return std::nullopt;
  size_t at = 4;
  const auto number = coded_number(bytes, at);
  if (!number) return std::nullopt;
  FlacFrameHeader header{.mode = mode};
  header.samples = block_samples(bytes[2] >> 4, bytes, at);
  if (!same_rate(bytes[2] & 15, stream.rate, bytes, at)) return std::nullopt;
  if (crc8(bytes.first(at)) != bytes[at]) return std::nullopt;
  if (!variable && stream.least_block != stream.most_block) return std::nullopt;
  header.bytes = at + 1;
  header.first = static_cast<int64_t>(*number) * (variable ? 1 : stream.most_block);
  const bool inside = header.samples > 0 && header.samples <= stream.most_block &&
                      header.first <= stream.samples - header.samples;
  return inside ? std::optional(header) : std::nullopt;
}

std::optional<size_t> decode_flac_frame(const FlacStream& stream, const FlacFrameHeader& header,
                                        std::span<const uint8_t> bytes, std::vector<int32_t>& planes) {
  const int64_t stride = plane_stride(stream);
  planes.resize(static_cast<size_t>(stride * stream.channels));
  FlacBits bits(bytes.data() + header.bytes, bytes.data() + bytes.size());
  for (int64_t c = 0; c < stream.channels; ++c) {
    int32_t* const out = planes.data() + c * stride + kFlacHistory;
    std::fill_n(out - kFlacHistory, kFlacHistory, 0);
    const bool side = (header.mode == kSideRight && c == 0) ||
                      ((header.mode == kLeftSide || header.mode == kMidSide) && c == 1);
    if (!subframe(bits, static_cast<int>(stream.bits) + (side ? 1 : 0), header.samples, out))
      return std::nullopt;
  }
  bits.to_whole_byte();
  const size_t sound = header.bytes + static_cast<size_t>(bits.bits_taken() / 8);
  if (sound + 2 > bytes.size() || crc16(bytes.first(sound)) != (bytes[sound] << 8 | bytes[sound + 1]))
    return std::nullopt;
  if (header.mode >= kLeftSide) {
    int32_t* const first = planes.data() + kFlacHistory;
    separate(header.mode, header.samples, first, first + stride);
  }
  return sound + 2;
}

}  // namespace d2v
