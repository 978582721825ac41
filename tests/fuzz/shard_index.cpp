// Any bytes are an index whose entries lie within its tar and which is written back to the same bytes, or none.
#include "d2v/pipeline/shard_index.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto index = d2v::decode_shard_index(bytes);
  if (!index) return 0;
  for (const d2v::TarEntry& entry : index->listing.entries) {
    if (entry.first > index->tar_bytes || entry.bytes > index->tar_bytes - entry.first) std::abort();
  }
  for (const d2v::ShardLabel& label : index->labels) {
    if (label.entry >= index->listing.entries.size()) std::abort();
  }
  const std::string again = d2v::encode_shard_index(*index);
  if (again.size() != size) std::abort();
  return 0;
}
