// The list of files that could not be read: named, counted, limited.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "d2v/pipeline/image_source.h"

namespace d2v {

struct BadFile {
  std::string path;  // within the source's root
  std::string reason;
  int64_t count = 0;  // how often it came up
};

// Thread-safe.
class BadFileList {
 public:
  // The source must outlive the list.
  BadFileList(const ImageSource& source, double max_fraction)
      : source_(source), max_fraction_(max_fraction) {}

  // Notes one failure. Throws DataError that names the first few files when more than max_fraction of all samples of the
  // source could not be read.
  void add(uint32_t row, const std::string& reason);

  std::vector<BadFile> all() const;  // sorted by path

 private:
  const ImageSource& source_;
  double max_fraction_;
  mutable std::mutex mutex_;
  std::map<uint32_t, BadFile> files_;  // by row, which is the order of paths
};

}  // namespace d2v
