// Fills the buffers of a batch, sample by sample. Private to the pipeline.
#pragma once

#include <vector>

#include "d2v/pipeline/batch.h"
#include "d2v/pipeline/loader.h"
#include "sample_lengths.h"
#include "sample_work.h"

namespace d2v {

class Collate {
 public:
  Collate(const Source& source, const LoaderSettings& settings);

  // Sizes and shapes of the slice's batch.
  void prepare(const Slice& slice, Batch& batch) const;
  // Sample i of the slice; different i may run at the same time.
  void sample(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch) const;
  // After all samples: closes the gaps of those that were left out.
  void finish(Batch& batch) const;

  std::vector<BadFile> bad_files() const { return work_.bad_files(); }

 private:
  double ratio_of(int64_t update) const;
  MaskPlan plan_of(const Slice& slice, int64_t part) const;
  int64_t least_hidden(const Slice& slice, int64_t part, double ratio) const;
  void draw_masks(const SampleDone& sample, int64_t valid, const Slice& slice, int64_t i,
                  SampleScratch& scratch, Batch& batch) const;

  const Source& source_;
  LoaderSettings settings_;
  SampleGeometry geometry_;
  std::vector<int64_t> lengths_;  // what of each row is used at most; empty for pictures
  int64_t clones_;
  SampleWork work_;
};

}  // namespace d2v
