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
#include "slice_failures.h"

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
  // `bad_files`: how many of them are too many.
  SampleWork(const Source& source, const LoaderSettings& settings, std::vector<int64_t> lengths,
             const BadFileList& bad_files);

  // Reads sample i of the slice into `out`. One that cannot be read is noted in `failures`; in training it is then replaced
  // by another, not shorter than the slice's shortest, drawn by its key, otherwise nothing comes back. Nor does it where
  // the files tried here alone are too many, which ends `failures`. Throws DataError where no replacement can be read,
  // ReadStopped once scratch.audio.stop is set.
  std::optional<SampleDone> read(const Slice& slice, int64_t i, SampleScratch& scratch, const SampleOut& out,
                                 SliceFailures& failures) const;

  // The key of a clone's mask.
  RngKey mask_key(int64_t epoch, const SampleRef& ref, int64_t clone) const;

 private:
  bool try_read(SampleDone& sample, const Slice& slice, int64_t i, SampleScratch& scratch,
                const SampleOut& out, SliceFailures& failures) const;

  const Source& source_;
  bool training_;
  uint64_t seed_;
  std::vector<int64_t> lengths_;     // of all rows, or none
  std::vector<uint32_t> by_length_;  // rows, shortest first
  ReadSample read_;
  const BadFileList& bad_files_;
};

}  // namespace d2v
