// CRC-32C (Castagnoli, RFC 3720 appendix B.4), and TFRecord's masked form of it.
#pragma once

#include <cstdint>
#include <string_view>

namespace d2v {

uint32_t crc32c(std::string_view bytes);

// Rotated right by 15 bits plus a constant, so that a CRC over data with CRCs in it stays meaningful.
uint32_t masked_crc32c(std::string_view bytes);

}  // namespace d2v
