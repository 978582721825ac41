// How many positions the masks of an update hide, slice by slice. Private to the pipeline.
//
// Spans and BERT's runs leave the number open: a slice hides as many as its least mask does, which takes drawing all masks
// of the slice. Every slice of an update needs the numbers of all of them, so they are found once and kept for the next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "d2v/pipeline/loader.h"
#include "sample_lengths.h"
#include "sample_work.h"

namespace d2v {

// Thread-safe.
class UpdateMasks {
 public:
  // `lengths`: what of each sample is used at most; empty where all are alike. All must outlive this.
  UpdateMasks(const Source& source, const LoaderSettings& settings, const SampleGeometry& geometry,
              const std::vector<int64_t>& lengths, const SampleWork& work);

  // R of an update.
  double ratio_of(int64_t update) const;
  // One plan per slice of the update that `slice` belongs to, for a sample as long as the slice. A pure function of the
  // update. Throws UsageError as plan_masks does.
  std::vector<MaskPlan> plans_of(const Slice& slice) const;
  // The plan for one sample of the slice: its own grid, as many hidden as in all others.
  MaskPlan plan_of_sample(const MaskGrid& grid, int64_t update, int64_t hidden) const;

 private:
  struct Update;
  std::shared_ptr<Update> update_of(int64_t update) const;
  MaskPlan even_plan(const SliceShape& shape, double ratio) const;
  std::vector<MaskPlan> plans_of_runs(const Slice& slice, double ratio) const;
  int64_t least_hidden(const Slice& slice, size_t part, size_t i, double ratio, MaskScratch& scratch) const;

  const Source& source_;
  const LoaderSettings& settings_;
  const SampleGeometry& geometry_;
  const std::vector<int64_t>& lengths_;
  const SampleWork& work_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::shared_ptr<Update>> updates_;
};

}  // namespace d2v
