// The list of files that could not be read: named, counted, limited.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "d2v/pipeline/source.h"

namespace d2v {

// Thread-safe.
class BadFileList {
 public:
  // Starts with what the scan of the source left out. The source must outlive the list.
  BadFileList(const Source& source, double max_fraction);

  // Notes one failure. Throws DataError that names the first few files when more than max_fraction of all samples of the
  // source, broken ones of its scan included, could not be read. What it says follows from the calls before: their order
  // decides at which of them it stops.
  void add(uint32_t row, const std::string& reason);

  // Whether `files` of the source, besides the broken ones of its scan, are more than max_fraction.
  bool too_many(size_t files) const;

  std::vector<BadFile> all() const;  // sorted by path

 private:
  const Source& source_;
  double max_fraction_;
  size_t broken_in_scan_ = 0;
  mutable std::mutex mutex_;
  std::map<uint32_t, BadFile> files_;  // by row, which is the order of paths
};

}  // namespace d2v
