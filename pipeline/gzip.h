// Unpacking of gzip files. Private to the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>

namespace d2v {

// Writes the contents of `packed` (one gzip member or several behind one another) to `out`, complete or not at all; returns
// how many bytes. Throws DataError naming the byte where the data is broken or was cut; StorageError where it cannot be
// written or would leave less than a gigabyte of the disk free.
uint64_t unpack_gzip(const std::filesystem::path& packed, const std::filesystem::path& out);

}  // namespace d2v
