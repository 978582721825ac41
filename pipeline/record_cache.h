// A file of plain records that can be made again at any time: thumbnails, lengths. Private to the pipeline.
#pragma once

#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace d2v {

// $D2V_CACHE, else ~/.cache/d2v.
std::filesystem::path cache_root();

// Of a file's bytes those after the header; empty where they are of another version (8 characters) or damaged.
std::string_view cache_contents(std::string_view file, std::string_view version);

// The same of a file; empty, too, where it is missing.
std::string read_cache_bytes(const std::filesystem::path& file, std::string_view version);

// Replaces the file, making its folder. Throws StorageError.
void write_cache_bytes(const std::filesystem::path& file, std::string_view version, std::string_view bytes);

// None where the bytes are no whole number of records.
template <class Record>
std::vector<Record> records_of(std::string_view bytes) {
  static_assert(std::is_trivially_copyable_v<Record>);
  std::vector<Record> records(bytes.size() % sizeof(Record) == 0 ? bytes.size() / sizeof(Record) : 0);
  if (!records.empty()) std::memcpy(static_cast<void*>(records.data()), bytes.data(), bytes.size());
  return records;
}

template <class Record>
std::vector<Record> read_records(const std::filesystem::path& file, std::string_view version) {
  return records_of<Record>(read_cache_bytes(file, version));
}

template <class Record>
void write_records(const std::filesystem::path& file, std::string_view version,
                   const std::vector<Record>& records) {
  static_assert(std::is_trivially_copyable_v<Record>);
  write_cache_bytes(file, version,
                    {reinterpret_cast<const char*>(records.data()), records.size() * sizeof(Record)});
}

}  // namespace d2v
