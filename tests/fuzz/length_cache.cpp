// Any bytes are a cache of recordings' lengths, all of them possible, or an empty one; also as records behind a valid header.
#include "length_cache.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/resampler.h"

namespace {

size_t read(std::string_view bytes) {
  const auto cache = d2v::parse_length_cache(bytes);
  for (const auto& [id, length] : cache) {
    if (id != length.id || !d2v::possible_length(length.rate, length.samples)) std::abort();
    if (d2v::resampled_length(length.samples, length.rate, 16000) < 1) std::abort();
  }
  return cache.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  const uint64_t hash = d2v::path_id(bytes);
  std::string file = "d2vleng1";
  file.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  if (read(file + std::string(bytes)) > size / sizeof(d2v::CachedLength)) std::abort();
  return 0;
}
