#include "cut_wav.h"

#include <array>
#include <string_view>

#include "audio_frames.h"

namespace d2v {
namespace {

constexpr uint32_t kUnknownFrom = 0x7fff0000;  // 2^31 - 1, 2^32 - 1 and the like, when piped
constexpr int kMaxChunks = 1000;

}  // namespace

std::optional<CutWav> cut_wav(const OpenBytes& file) {
  std::array<uint8_t, 12> bytes{};
  const auto word = [&](size_t at) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + at, 4);
  };
  if (file.read_at(0, bytes) < 12 || word(0) != "RIFF" || word(8) != "WAVE") return std::nullopt;
  uint64_t at = 12;
  for (int i = 0; i < kMaxChunks && file.read_at(at, std::span(bytes).first(8)) == 8; ++i) {
    const uint64_t length = little_endian32(bytes.data() + 4);
    at += 8;
    if (word(0) == "data") {
      if (length >= kUnknownFrom || at + length <= file.size()) return std::nullopt;
      return CutWav{length, file.size() - at};
    }
    at += length + length % 2;
  }
  return std::nullopt;
}

}  // namespace d2v
