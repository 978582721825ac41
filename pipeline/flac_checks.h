// Checksums of FLAC (RFC 9639, sections 9.1.8 and 9.3). Private to the pipeline.
#pragma once

#include <cstdint>
#include <span>

namespace d2v {

uint8_t crc8(std::span<const uint8_t> bytes);
uint16_t crc16(std::span<const uint8_t> bytes);

}  // namespace d2v
