// NumPy's .npy format, version 1.0 (numpy.lib.format).
#pragma once

#include <filesystem>

#include <ATen/core/Tensor.h>

namespace d2v {

// Writes a float32 tensor, row-major, little-endian; complete or not at all. Throws StorageError.
void write_npy(const std::filesystem::path& path, const at::Tensor& values);

}  // namespace d2v
