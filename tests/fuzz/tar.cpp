// Any bytes are a tar whose entries lie within it, or a DataError; labels and keys of its entries likewise.
#include "d2v/pipeline/tar.h"

#include <cstdlib>

#include "d2v/base/check.h"
#include "d2v/pipeline/shard_index.h"

namespace {

void read_label(const d2v::OpenBytes& tar, const d2v::TarEntry& entry) {
  std::string text(static_cast<size_t>(entry.bytes), '\0');
  if (tar.read_at(entry.first, {reinterpret_cast<uint8_t*>(text.data()), text.size()}) != text.size())
    std::abort();
  try {
    d2v::parse_cls(text);
  } catch (const d2v::DataError&) {
  }
  try {
    d2v::parse_json_label(text);
  } catch (const d2v::DataError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const d2v::OpenBytes tar(d2v::ByteSource({data, size}, "fuzz"));
    const d2v::TarListing listing = d2v::list_tar(tar);
    if (listing.lost > size) std::abort();
    for (const d2v::TarEntry& entry : listing.entries) {
      if (entry.first > size || entry.bytes > size - entry.first || entry.name.empty()) std::abort();
      if (d2v::sample_key(entry.name).key.size() > entry.name.size()) std::abort();
      read_label(tar, entry);
    }
  } catch (const d2v::DataError&) {
  }
  return 0;
}
