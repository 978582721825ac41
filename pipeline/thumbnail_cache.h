// Thumbnails on disk, so that a folder is decoded once and not at every probe. Private to the pipeline.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <unordered_map>
#include <vector>

namespace d2v {

inline constexpr int64_t kThumbnailSide = 16;
inline constexpr int64_t kThumbnailBytes = kThumbnailSide * kThumbnailSide * 3;

// What a file was when its thumbnail was made. A plain record: the cache file is an array of them.
struct CachedThumbnail {
  uint64_t id = 0;        // image_id of the path
  uint64_t bytes = 0;     // size of the file
  int64_t changed = 0;    // its last change, in ticks of the file clock
  uint64_t readable = 0;  // 0: the picture could not be read
  std::array<uint8_t, kThumbnailBytes> pixels{};
};

// All records by id; empty where the file is missing, of another version or damaged: it is only a cache.
std::unordered_map<uint64_t, CachedThumbnail> read_thumbnail_cache(const std::filesystem::path& file);

// Replaces the file. Throws StorageError.
void write_thumbnail_cache(const std::filesystem::path& file, const std::vector<CachedThumbnail>& thumbnails);

}  // namespace d2v
