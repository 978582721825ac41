// What is done per sample: read or replace, draw masks. Private to the pipeline.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/bad_files.h"
#include "d2v/pipeline/batch.h"
#include "d2v/pipeline/masks.h"
#include "sample_readers.h"

namespace d2v {

// A sample that was read, and its own length.
struct SampleDone {
  uint32_t row = 0;
  SampleRef ref;
  int64_t length = 0;
};

class SampleWork {
 public:
  // `lengths`: what of each sample is used at most; empty where all are alike.
  SampleWork(const Source& source, const LoaderSettings& settings, std::vector<int64_t> lengths);

  // Reads the sample of `row`, draw number `occurrence` of it in the epoch, into `out`. In training one that cannot be read is noted and replaced by another, not
  // shorter than the slice's shortest, drawn by its key; otherwise nothing comes back. Throws DataError above
  // data.max_bad_fraction, ReadStopped once scratch.audio.stop is set.
  std::optional<SampleDone> read(uint32_t row, uint32_t occurrence, const Slice& slice,
                                 SampleScratch& scratch, const SampleOut& out) const;

  // The key of a clone's mask.
  RngKey mask_key(int64_t epoch, const SampleRef& ref, int64_t clone) const;

  std::vector<BadFile> bad_files() const { return bad_.all(); }

 private:
  bool try_read(SampleDone& sample, const Slice& slice, SampleScratch& scratch, const SampleOut& out) const;

  const Source& source_;
  bool training_;
  uint64_t seed_;
  std::vector<int64_t> lengths_;     // of all rows, or none
  std::vector<uint32_t> by_length_;  // rows, shortest first
  ReadSample read_;
  mutable BadFileList bad_;
};

}  // namespace d2v
