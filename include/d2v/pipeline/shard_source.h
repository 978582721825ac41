// Tar shards in the WebDataset convention as a list of samples.
//
// Entries of a shard with the same key (shard_index.h) are one sample: "0001.jpg", "0001.cls" and "0001.json" belong
// together, whatever their order. The sample's picture or recording is the first entry with an ending of its kind; one that
// is the whole extension goes before one behind further dots ("png" before "left.png"). Its class is what the .cls says,
// else the .json; where no sample of the set has either, it is the first folder of the key. Shards in folders train, val
// and test are splits, as with files. Ids are hashes of shard and key: a shard may be added or moved as a file may.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "d2v/pipeline/folder_source.h"

namespace d2v {

// The entries that samples are read from, shared by the parts of a source.
struct ShardEntries {
  struct Shard {
    std::filesystem::path tar;  // the shard, or its unpacked copy
    std::string shown;
    int64_t changed = 0;
  };
  struct Entry {
    uint32_t shard = 0;
    uint64_t first = 0;
    uint64_t bytes = 0;
    std::string name;
  };
  std::vector<Shard> shards;
  std::vector<Entry> entries;

  ByteSource bytes_of(size_t entry) const;
  ByteStamp stamp(size_t entry) const;
};

struct ShardScan {
  std::filesystem::path cache;  // folder of indices and unpacked shards; empty: none
  int64_t threads = 0;          // 0: all cores
};

// Whether scan_shards reads this: a file that ends in .tar, .tar.gz or .tgz, or a folder with such files in it or in its
// sub-folders train, val, valid, validation, test.
bool has_shards(const std::filesystem::path& path);

// Lists all shards, several at a time. What is wrong with one is in left_out, by name. Throws DataError where shards cannot
// be read, or are damaged so that more than data.max_bad_fraction of their bytes are lost; where they hold no sample; where a
// folder holds loose files of the kind beside them.
FolderSource scan_shards(const std::filesystem::path& path, const DataConfig& config, const FolderKind& kind,
                         const ShardScan& scan);

// $D2V_CACHE (else ~/.cache/d2v) / shards.
std::filesystem::path shard_cache_folder();

}  // namespace d2v
