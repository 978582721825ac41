#include "length_cache.h"

#include "record_cache.h"

namespace d2v {
namespace {

constexpr std::string_view kVersion = "d2vleng1";

std::unordered_map<uint64_t, CachedLength> by_id(const std::vector<CachedLength>& lengths) {
  std::unordered_map<uint64_t, CachedLength> cache;
  for (const CachedLength& length : lengths)
    if (possible_length(length.rate, length.samples)) cache[length.id] = length;
  return cache;
}

}  // namespace

bool possible_length(int64_t rate, int64_t samples) {
  return rate > 0 && rate <= int64_t{1} << 23 && samples > 0 && samples <= int64_t{1} << 40;
}

std::unordered_map<uint64_t, CachedLength> read_length_cache(const std::filesystem::path& file) {
  return by_id(read_records<CachedLength>(file, kVersion));
}

std::unordered_map<uint64_t, CachedLength> parse_length_cache(std::string_view bytes) {
  return by_id(records_of<CachedLength>(cache_contents(bytes, kVersion)));
}

void write_length_cache(const std::filesystem::path& file, const std::vector<CachedLength>& lengths) {
  write_records(file, kVersion, lengths);
}

}  // namespace d2v
