// Writes tar files (POSIX.1-1988 ustar; pax records of POSIX.1-2001 for long names and files from 8 GiB on).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "d2v/base/file.h"

namespace d2v {

// The same entries give the same bytes: owner, group and times are 0, modes 0644. The file is complete or absent
// (AtomicFile).
class TarWriter {
 public:
  explicit TarWriter(const std::filesystem::path& path) : file_(path) {}

  // One ordinary file. Throws Error for a name that is empty or holds NUL, StorageError.
  void add(std::string_view name, std::span<const uint8_t> bytes);
  // Throws StorageError.
  void commit();
  // Of the tar so far.
  uint64_t bytes() const { return bytes_; }

 private:
  void put(std::span<const std::byte> bytes);
  void put_entry(std::string_view name, char type, std::span<const std::byte> contents);
  AtomicFile file_;
  uint64_t bytes_ = 0;
};

}  // namespace d2v
