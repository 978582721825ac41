#include "png.h"

#include <array>
#include <string_view>

#include "d2v/base/check.h"

namespace d2v {
namespace {

// CRC-32 of ISO 3309, as the PNG standard prescribes (annex D): the byte-wise table.
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}();

uint32_t crc32(std::span<const uint8_t> data) {
  uint32_t crc = ~0u;
  for (const uint8_t byte : data) crc = kCrcTable[(crc ^ byte) & 0xff] ^ (crc >> 8);
  return ~crc;
}

uint32_t big_endian(std::span<const uint8_t> file, size_t at) {
  return uint32_t{file[at]} << 24 | uint32_t{file[at + 1]} << 16 | uint32_t{file[at + 2]} << 8 | file[at + 3];
}

}  // namespace

void check_png_chunks(std::span<const uint8_t> file) {
  size_t at = 8;  // after the signature
  while (at + 12 <= file.size()) {
    const size_t length = big_endian(file, at);
    if (length > file.size() - at - 12) return;
    const std::string_view type(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
    const bool critical = (file[at + 4] & 0x20) == 0;
    if (critical) {
      const uint32_t found = crc32(file.subspan(at + 4, length + 4)),
                     expected = big_endian(file, at + 8 + length);
      check<DataError>(found == expected, "broken PNG (checksum of chunk {} is {:08x} instead of {:08x})",
                       type, found, expected);
    }
    if (type == "IEND") return;
    at += 12 + length;
  }
}

}  // namespace d2v
