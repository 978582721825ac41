#include "cut_wav.h"

#include <array>
#include <fstream>
#include <string_view>

#include "audio_frames.h"

namespace d2v {
namespace {

constexpr uint32_t kUnknownFrom = 0x7fff0000;  // 2^31 - 1, 2^32 - 1 and the like, when piped
constexpr int kMaxChunks = 1000;

}  // namespace

std::optional<CutWav> cut_wav(const std::filesystem::path& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  std::array<char, 12> bytes{};
  const auto word = [&](size_t at) { return std::string_view(bytes.data() + at, 4); };
  if (error || !file.read(bytes.data(), 12) || word(0) != "RIFF" || word(8) != "WAVE") return std::nullopt;
  uint64_t at = 12;
  for (int i = 0; i < kMaxChunks && file.seekg(static_cast<std::streamoff>(at)) && file.read(bytes.data(), 8);
       ++i) {
    const uint64_t length = little_endian32(reinterpret_cast<const uint8_t*>(bytes.data()) + 4);
    at += 8;
    if (word(0) == "data") {
      if (length >= kUnknownFrom || at + length <= size) return std::nullopt;
      return CutWav{length, size - at};
    }
    at += length + length % 2;
  }
  return std::nullopt;
}

}  // namespace d2v
