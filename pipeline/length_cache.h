// Lengths of recordings on disk, so that headers are read once. Private to the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace d2v {

// A recording's header, and the file it was read from. A plain record: the cache file is an array of them.
struct CachedLength {
  uint64_t id = 0;
  uint64_t bytes = 0;
  int64_t changed = 0;  // in ticks of the file clock
  int64_t rate = 0;     // samples a second
  int64_t samples = 0;  // per channel
};

// What a recording can have: a rate up to 8 MHz and 2^40 samples, so that lengths at other rates fit into 64 bits.
bool possible_length(int64_t rate, int64_t samples);

// All records by id; empty where the file is missing, of another version or damaged: it is only a cache. Records of impossible
// lengths are left out.
std::unordered_map<uint64_t, CachedLength> read_length_cache(const std::filesystem::path& file);

// The same of the file's bytes.
std::unordered_map<uint64_t, CachedLength> parse_length_cache(std::string_view bytes);

// Replaces the file. Throws StorageError.
void write_length_cache(const std::filesystem::path& file, const std::vector<CachedLength>& lengths);

}  // namespace d2v
