// Any bytes are gzip that is unpacked, or a DataError: the same for any size of the pieces they are read in. The first byte
// gives the size.
#include "gzip.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "d2v/base/check.h"

namespace {

// Nothing where the bytes are refused.
std::optional<std::string> unpacked(std::span<const uint8_t> bytes, size_t chunk) {
  const d2v::OpenBytes packed(d2v::ByteSource(bytes, "fuzz"));
  std::string out;
  try {
    const uint64_t written = d2v::inflate_gzip(
        packed,
        [&](std::span<const uint8_t> piece) {
          if (piece.empty() || piece.size() > chunk) std::abort();
          out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        },
        chunk);
    if (written != out.size()) std::abort();
  } catch (const d2v::DataError&) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> bytes(data + 1, size - 1);
  if (unpacked(bytes, size_t{1} + data[0]) != unpacked(bytes, size_t{1} << 16)) std::abort();
  return 0;
}
