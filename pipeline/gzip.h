// Unpacking of gzip files. Private to the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "d2v/pipeline/byte_source.h"

namespace d2v {

// Hands the contents of `packed` (one gzip member or several behind one another) to `take`, piece by piece, at most `chunk`
// bytes each, read in such pieces too; returns how many bytes. Throws DataError naming the byte where the data is broken
// or was cut, after the pieces before it.
uint64_t inflate_gzip(const OpenBytes& packed, const std::function<void(std::span<const uint8_t>)>& take,
                      size_t chunk = size_t{1} << 18);

// Writes the contents of `packed` to `out`, complete or not at all; returns how many bytes. Throws DataError as above;
// StorageError where it cannot be written or would leave less than a gigabyte of the disk free.
uint64_t unpack_gzip(const std::filesystem::path& packed, const std::filesystem::path& out);

}  // namespace d2v
