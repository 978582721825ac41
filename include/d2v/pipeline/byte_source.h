// Where the bytes of a sample are: a file, an entry of a tar shard, or memory. Readers take any of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace d2v {

struct ByteSource {
  std::filesystem::path path;
  std::string shown;  // for messages; empty: the path
  // Of an entry: its place in the file, and the file's last change when it was listed, in ticks of the file clock.
  uint64_t first = 0;
  std::optional<uint64_t> bytes;  // empty: the whole file
  int64_t changed = 0;
  std::optional<std::span<const uint8_t>> memory;  // instead of a file

  ByteSource(std::filesystem::path file) : path(std::move(file)) {}  // a file is its own place
  ByteSource(std::span<const uint8_t> contents, std::string name)
      : shown(std::move(name)), memory(contents) {}

  std::string name() const { return shown.empty() ? path.string() : shown; }
};

// Such a place, open. Thread-safe.
class OpenBytes {
 public:
  // Throws DataError with the system's reason and the name; where the file is shorter than the entry needs, or was changed
  // since it was listed.
  explicit OpenBytes(const ByteSource& source);
  ~OpenBytes();
  OpenBytes(const OpenBytes&) = delete;
  OpenBytes& operator=(const OpenBytes&) = delete;

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  // Bytes at, at + 1, …; returns how many there were: fewer only at the end. Throws DataError where reading fails.
  size_t read_at(uint64_t at, std::span<uint8_t> out) const;

 private:
  std::string name_;
  std::span<const uint8_t> memory_;
  int file_ = -1;
  uint64_t first_ = 0;
  uint64_t size_ = 0;
};

// All bytes. Throws DataError as OpenBytes does, and before taking any memory where they are more than 1 GiB.
void read_bytes(const ByteSource& source, std::vector<uint8_t>& bytes);

}  // namespace d2v
