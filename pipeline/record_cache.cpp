#include "record_cache.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/image_reader.h"

namespace d2v {
namespace {

// The version, then a hash of what follows.
constexpr size_t kVersion = 8, kHeader = 16;

}  // namespace

std::filesystem::path cache_root() {
  const char* cache = std::getenv("D2V_CACHE");
  if (cache != nullptr) return cache;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".cache/d2v";
}

std::string_view cache_contents(std::string_view file, std::string_view version) {
  if (file.size() < kHeader) return {};
  uint64_t hash = 0;
  std::memcpy(&hash, file.data() + kVersion, sizeof hash);
  const std::string_view contents = file.substr(kHeader);
  if (file.substr(0, kVersion) != version || hash != path_id(contents)) return {};
  return contents;
}

std::string read_cache_bytes(const std::filesystem::path& file, std::string_view version) {
  std::vector<uint8_t> bytes;
  try {
    read_file(file, bytes);
  } catch (const DataError&) {
    return {};
  }
  return std::string(cache_contents({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, version));
}

void write_cache_bytes(const std::filesystem::path& file, std::string_view version, std::string_view bytes) {
  check(version.size() == kVersion, "cache: a version has {} characters", kVersion);
  const uint64_t hash = path_id(bytes);
  std::string text(version);
  text.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  text.append(bytes);
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);  // write_file reports what is missing
  write_file(file, text);
}

}  // namespace d2v
