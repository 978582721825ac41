#include "flac_checks.h"

#include <array>

namespace d2v {
namespace {

// Table k: what a byte leaves behind after k more zero bytes. Eight bytes are so looked up at once.
using Tables = std::array<std::array<uint16_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned rest = byte << 8;
    for (int bit = 0; bit < 8; ++bit) rest = (rest << 1) ^ ((rest & 0x8000) != 0 ? 0x8005u : 0u);
    tables[0][byte] = static_cast<uint16_t>(rest);
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint16_t before = tables[k - 1][byte];
      tables[k][byte] = static_cast<uint16_t>(before << 8 ^ tables[0][before >> 8]);
    }
  return tables;
}

constexpr Tables kTables16 = make_tables();

}  // namespace

uint8_t crc8(std::span<const uint8_t> bytes) {
  unsigned rest = 0;
  for (const uint8_t byte : bytes) {
    rest ^= byte;
    for (int bit = 0; bit < 8; ++bit) rest = ((rest << 1) ^ ((rest & 0x80) != 0 ? 7u : 0u)) & 0xff;
  }
  return static_cast<uint8_t>(rest);
}

uint16_t crc16(std::span<const uint8_t> bytes) {
  uint16_t rest = 0;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const uint8_t* b = bytes.data() + i;
    rest = static_cast<uint16_t>(kTables16[7][b[0] ^ rest >> 8] ^ kTables16[6][b[1] ^ (rest & 0xff)] ^
                                 kTables16[5][b[2]] ^ kTables16[4][b[3]] ^ kTables16[3][b[4]] ^
                                 kTables16[2][b[5]] ^ kTables16[1][b[6]] ^ kTables16[0][b[7]]);
  }
  for (; i < bytes.size(); ++i) rest = static_cast<uint16_t>(rest << 8 ^ kTables16[0][bytes[i] ^ rest >> 8]);
  return rest;
}

}  // namespace d2v
