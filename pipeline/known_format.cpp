#include "known_format.h"

#include <array>
#include <string_view>

namespace d2v {
namespace {

// Bytes of a frame of MPEG audio, layer III, from its header; 0: none, or one without a fixed rate.
uint64_t mp3_frame_bytes(std::span<const uint8_t> header) {
  constexpr std::array<int, 16> kRates1{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
  constexpr std::array<int, 16> kRates2{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};
  constexpr std::array<uint64_t, 4> kHertz{44100, 48000, 32000, 0};
  if (header[0] != 0xff || (header[1] & 0xe6) != 0xe2) return 0;  // eleven ones, layer III
  const int version = header[1] >> 3 & 3;                         // 3: 1, 2: 2, 0: 2.5
  const uint64_t hertz = kHertz[header[2] >> 2 & 3] >> (version == 3 ? 0 : version == 2 ? 1 : 2);
  const int rate = (version == 3 ? kRates1 : kRates2)[header[2] >> 4];
  if (version == 1 || hertz == 0 || rate == 0) return 0;
  return (version == 3 ? 144'000 : 72'000) * static_cast<uint64_t>(rate) / hertz + (header[2] >> 1 & 1);
}

// Three frames after one another, behind ID3 where there is one; other formats carry that too.
bool begins_as_mp3(const OpenBytes& bytes, std::span<const uint8_t> head) {
  uint64_t at = 0;
  if (head[0] == 'I' && head[1] == 'D' && head[2] == '3')
    at = 10 + (uint64_t{head[6] & 0x7fu} << 21 | (head[7] & 0x7fu) << 14 | (head[8] & 0x7fu) << 7 |
               (head[9] & 0x7fu));
  for (int frame = 0; frame < 3; ++frame) {
    std::array<uint8_t, 4> header{};
    if (bytes.read_at(at, header) < header.size()) return false;
    const uint64_t size = mp3_frame_bytes(header);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

}  // namespace

const char* known_format(const OpenBytes& bytes) {
  std::array<uint8_t, 12> head{};
  if (bytes.read_at(0, head) < head.size()) return nullptr;
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("RIFF") && text.substr(8) == "WAVE") return "wav";
  if (text.starts_with("fLaC")) return "flac";
  if (text.starts_with("OggS")) return "ogg";
  if (begins_as_mp3(bytes, head)) return "mp3";
  return nullptr;
}

}  // namespace d2v
