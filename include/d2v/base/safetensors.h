// Safetensors files (https://huggingface.co/docs/safetensors): 8 bytes header length, a JSON header, then the
// data.
//
// The reader is strict: what it accepts is inside the file, complete, and of the size that dtype and shape
// say. Data is memory-mapped, never copied. No LibTorch here; tensors are spans of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/base/mapped_file.h"

namespace d2v {

enum class Dtype { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

std::string_view dtype_name(Dtype dtype);  // "F32"
size_t dtype_size(Dtype dtype);            // in bytes

// A tensor of an open file: row-major, little-endian. `bytes` lives as long as the reader.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;  // empty: a scalar
  std::span<const std::byte> bytes;

  int64_t count() const;  // elements
};

class SafetensorsReader {
 public:
  // Throws DataError naming the file, and the tensor where there is one: missing or unreadable file, cut
  // short, header over 100 MB or no valid JSON, names given twice, unknown dtype, negative or overflowing
  // shape, bytes that do not match it, overlapping, unused or absent bytes.
  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<StoredTensor>& tensors() const { return tensors_; }  // in the order of their data
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const StoredTensor* find(std::string_view name) const;
  // Throws DataError naming the file and the nearest tensor name.
  const StoredTensor& at(std::string_view name) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, size_t, std::less<>> index_;
};

// A tensor to be written; `data` is read during the call.
struct TensorToStore {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  const void* data = nullptr;
};

// Writes the file, complete or not at all (see AtomicFile). Wider dtypes come first and the data starts at a
// multiple of 64 bytes, so that every tensor is aligned. Throws Error for a name given twice, negative sizes,
// or the name "__metadata__"; StorageError when writing fails.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToStore> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace d2v
