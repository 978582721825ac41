// What is in a tar shard, kept so that its headers are walked over once.
//
// On disk (record_cache.h: a version of 8 characters, a hash of the rest), all numbers little-endian and of 64 bits:
//   the shard's bytes, the time of its last change, the bytes of its tar (more, where it is compressed),
//   other entries, lost bytes; the number of entries, then for each its first byte, its bytes, its name;
//   the number of labels, then for each the entry it was in and the text; the number of bad ones, then for each its name,
//   the reason, 1 where it is broken. A text is its length and its bytes.
// A file that does not fit the shard, or itself, is made again.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/pipeline/tar.h"

namespace d2v {

struct ShardLabel {
  uint64_t entry = 0;  // the .cls or .json, in TarListing::entries
  std::string text;
};

struct ShardIndex {
  uint64_t bytes = 0;
  int64_t changed = 0;
  uint64_t tar_bytes = 0;
  TarListing listing;
  std::vector<ShardLabel> labels;
};

std::string encode_shard_index(const ShardIndex& index);

// Nothing where any number does not fit: the payload's own length, entries beyond the tar, labels of no entry.
std::optional<ShardIndex> decode_shard_index(std::string_view payload);

// A shard, listed; its tar is the shard itself, or its unpacked copy.
struct OpenShard {
  std::filesystem::path tar;
  ShardIndex index;
};

// Lists a .tar, .tar.gz or .tgz, from the index of an earlier call where the shard has the same size and time of change. A
// compressed one is unpacked into the cache first. `cache` is a folder; empty: no index is kept, and compressed shards are
// refused. Throws DataError as list_tar does, and for broken gzip; StorageError where unpacking finds no room.
OpenShard open_shard(const std::filesystem::path& shard, const std::filesystem::path& cache);

// The class in the contents of a .cls (an integer or a text) or of a .json (its field "label" or "cls"; nothing where it has
// neither). Throws DataError with the reason, without a name.
std::string parse_cls(std::string_view text);
std::optional<std::string> parse_json_label(std::string_view text);

// The part of an entry's name that names its sample, up to the first dot behind the last '/', and what follows that dot in
// lower case: ("a/12", "left.png") for "a/12.left.PNG".
struct SampleKey {
  std::string key;
  std::string extension;
};
SampleKey sample_key(std::string_view name);

}  // namespace d2v
