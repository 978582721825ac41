// Lengths of recordings whose headers have none (mp3, raw AAC): counting the packets reads the whole file, so it is done once
// per file and not for every span. Private to the pipeline.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "d2v/pipeline/byte_source.h"

namespace d2v {

// Thread-safe. A file that changed its size or its time is another file. What lies in memory is not kept.
class CountedLengths {
 public:
  // A file as it is now. Empty: not one that is kept.
  struct Key {
    std::pair<std::string, uint64_t> place;  // path, first byte
    uint64_t bytes = 0;
    int64_t changed = 0;  // in ticks of the file clock
  };
  static std::optional<Key> key_of(const ByteSource& source, uint64_t bytes);

  // Samples per channel.
  std::optional<int64_t> find(const Key& key) const;
  void keep(const Key& key, int64_t samples);

 private:
  struct Length {
    uint64_t bytes = 0;
    int64_t changed = 0;
    int64_t samples = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, uint64_t>, Length> lengths_;
};

}  // namespace d2v
