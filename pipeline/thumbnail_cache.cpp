#include "thumbnail_cache.h"

#include <cstring>
#include <string>
#include <string_view>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/image_source.h"

namespace d2v {
namespace {

// The first 8 bytes are the version, the next 8 a hash of what follows.
constexpr std::string_view kVersion = "d2vthum1";
constexpr size_t kHeader = 16;

std::string_view view(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

}  // namespace

std::unordered_map<uint64_t, CachedThumbnail> read_thumbnail_cache(const std::filesystem::path& file) {
  static_assert(std::is_trivially_copyable_v<CachedThumbnail> &&
                sizeof(CachedThumbnail) == 32 + kThumbnailBytes);
  std::vector<uint8_t> bytes;
  try {
    read_file(file, bytes);
  } catch (const DataError&) {
    return {};
  }
  if (bytes.size() < kHeader || (bytes.size() - kHeader) % sizeof(CachedThumbnail) != 0) return {};
  const std::string_view records = view(bytes.data() + kHeader, bytes.size() - kHeader);
  uint64_t hash = 0;
  std::memcpy(&hash, bytes.data() + kVersion.size(), sizeof hash);
  if (view(bytes.data(), kVersion.size()) != kVersion || hash != image_id(records)) return {};
  std::unordered_map<uint64_t, CachedThumbnail> cache;
  for (size_t at = 0; at < records.size(); at += sizeof(CachedThumbnail)) {
    CachedThumbnail thumbnail;
    std::memcpy(&thumbnail, records.data() + at, sizeof thumbnail);
    cache[thumbnail.id] = thumbnail;
  }
  return cache;
}

void write_thumbnail_cache(const std::filesystem::path& file,
                           const std::vector<CachedThumbnail>& thumbnails) {
  const std::string_view records = view(thumbnails.data(), thumbnails.size() * sizeof(CachedThumbnail));
  const uint64_t hash = image_id(records);
  std::string text(kVersion);
  text.append(view(&hash, sizeof hash));
  text.append(records);
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);  // write_file reports what is missing
  write_file(file, text);
}

}  // namespace d2v
