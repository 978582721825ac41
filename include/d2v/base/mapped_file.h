// A file as read-only memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace d2v {

// Maps the whole file; the mapping stays valid when the file is renamed or removed. The file must not be
// shortened meanwhile (files that AtomicFile wrote are replaced, never changed). Movable.
class MappedFile {
 public:
  // Throws DataError naming the path and the reason.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace d2v
