// Fills the buffers of a batch, sample by sample. Private to the pipeline.
#pragma once

#include <vector>

#include "d2v/pipeline/batch.h"
#include "d2v/pipeline/loader.h"
#include "sample_lengths.h"
#include "sample_work.h"
#include "update_masks.h"

namespace d2v {

class Collate {
 public:
  // `bad_files` says how many are too many; what cannot be read is put into a slice's own SliceFailures.
  Collate(const Source& source, const LoaderSettings& settings, const BadFileList& bad_files);

  // Sizes and shapes of the slice's batch.
  void prepare(const Slice& slice, Batch& batch) const;
  // Sample i of the slice; different i may run at the same time. Throws nothing: errors go into `failures`.
  void sample(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch,
              SliceFailures& failures) const;
  // After all samples: closes the gaps of those that were left out.
  void finish(Batch& batch) const;

 private:
  void fill(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch,
            SliceFailures& failures) const;
  void draw_masks(const SampleDone& sample, int64_t valid, const Slice& slice, int64_t i,
                  SampleScratch& scratch, Batch& batch) const;

  const Source& source_;
  LoaderSettings settings_;
  SampleGeometry geometry_;
  std::vector<int64_t> lengths_;  // what of each row is used at most; empty for pictures
  int64_t clones_;
  SampleWork work_;
  UpdateMasks masks_;
};

}  // namespace d2v
