// Several sources as one, drawn from by weight.
//
// data.sources = PATH:WEIGHT, PATH:WEIGHT… A path ends before the last ':NUMBER' in front of a comma or the end, so paths may hold
// colons and commas; only one that itself holds ':NUMBER,' cannot be written. Weights count against each other: 7 and 3 are 0.7
// and 0.3.
//
// An epoch of the mix has as many samples as the sources have together, N. Of them n = N · weight are drawn from each source
// (rounded so that they add up to N), without replacement through its own epochs: what comes in epoch e of the mix are places
// e·n, e·n + 1, … of the row of all shuffled epochs of that source. So a source with a small weight is gone through over several
// epochs of the mix, one with a large weight more than once in each; a sample that comes again in the same epoch has other crops
// and masks (its occurrence). With batches by length this holds for each window of similar lengths on its own (plan.h); the
// rows of a window that is too small for a draw of its own go with the next one.
// The ids of all sources but the first are mixed with the source's number: equal files in two of them have different crops.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "d2v/pipeline/source.h"

namespace d2v {

struct WeightedPath {
  std::string path;
  double weight = 0;
};

// Throws UsageError where the text is not of that form, or a weight is not above 0.
std::vector<WeightedPath> parse_sources(const std::string& text);

struct MixPart {
  std::shared_ptr<const Source> source;
  double weight = 0;
};

class MixedSource : public Source {
 public:
  // Of one modality. Throws Error where they are not, or there are none.
  explicit MixedSource(std::vector<MixPart> parts);

  const std::vector<MixPart>& parts() const { return parts_; }
  // The part of a row, and its row there.
  std::pair<size_t, uint32_t> place(uint32_t row) const;

  Modality modality() const override { return parts_.front().source->modality(); }
  size_t size() const override { return shares_.back().first + shares_.back().count; }
  uint64_t id(uint32_t row) const override;
  int32_t label(uint32_t) const override {
    return -1;
  }                                               // classes of different sources have nothing in common
  std::string name(uint32_t row) const override;  // with the source's own folder
  std::string where() const override { return "data.sources"; }
  int64_t length(uint32_t row) const override;
  std::span<const BadFile> left_out() const override { return left_out_; }
  std::span<const BadFile> others() const override { return others_; }
  std::vector<SourceShare> shares() const override { return shares_; }
  std::string describe() const override;

 private:
  std::vector<MixPart> parts_;
  std::vector<SourceShare> shares_;
  std::vector<BadFile> left_out_, others_;
};

}  // namespace d2v
