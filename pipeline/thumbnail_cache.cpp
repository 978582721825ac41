#include "thumbnail_cache.h"

#include <string_view>

#include "record_cache.h"

namespace d2v {
namespace {

constexpr std::string_view kVersion = "d2vthum1";

}  // namespace

std::unordered_map<uint64_t, CachedThumbnail> read_thumbnail_cache(const std::filesystem::path& file) {
  static_assert(sizeof(CachedThumbnail) == 32 + kThumbnailBytes);
  std::unordered_map<uint64_t, CachedThumbnail> cache;
  for (const CachedThumbnail& thumbnail : read_records<CachedThumbnail>(file, kVersion))
    cache[thumbnail.id] = thumbnail;
  return cache;
}

void write_thumbnail_cache(const std::filesystem::path& file,
                           const std::vector<CachedThumbnail>& thumbnails) {
  write_records(file, kVersion, thumbnails);
}

}  // namespace d2v
