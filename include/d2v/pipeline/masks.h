// Masks: which positions the student sees (visible) and which it has to predict (masked).
//
// Method, section 6. Starting points are drawn uniformly with replacement, a block around each is kept
// (inverse_block) or hidden (block), and random positions then correct the count, so that every mask of a plan
// keeps exactly `visible` positions. The same correction follows wav2vec's spans, BERT's runs and BEiT's rectangles,
// whose own rules leave the number open. All is a pure function of an RngKey.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "d2v/base/philox.h"
#include "d2v/pipeline/mask_plan.h"

namespace d2v {

// Working memory of draw_mask, to be reused: grows to the largest plan it has seen. One per thread.
struct MaskScratch {
  std::vector<uint64_t> bits;
  std::vector<uint64_t> starts;
  std::vector<int64_t> ones;
  std::vector<int64_t> zeros;
};

// Draws the mask of one key. `visible` has plan.visible elements, `masked` plan.masked; both come out increasing.
void draw_mask(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch, std::span<int64_t> visible,
               std::span<int64_t> masked);

// What blocks, runs or rectangles hide before random positions correct the count: how many, and which, increasing.
// The loader takes the least number of a slice for spans and bert, as the reference does.
int64_t hidden_before_correction(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch);
std::vector<int64_t> draw_uncorrected(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch);

}  // namespace d2v
