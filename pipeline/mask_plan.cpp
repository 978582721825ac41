#include "d2v/pipeline/mask_plan.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

namespace d2v {
namespace {

bool in_runs(MaskKind kind) { return kind == MaskKind::spans || kind == MaskKind::bert; }

void check_kind(const MaskConfig& mask, const MaskGrid& grid) {
  check<UsageError>(
      mask.kind != MaskKind::beit || !grid.sequence,
      "mask.kind: beit draws rectangles of patches, which a sequence has not; choose spans or block");
  check<UsageError>(!in_runs(mask.kind) || grid.sequence,
                    "mask.kind: {} draws runs, which a grid of patches has not; choose beit or block",
                    name_of(mask.kind));
  check<UsageError>(
      mask.dropout == 0 || (!in_runs(mask.kind) && mask.kind != MaskKind::beit),
      "mask.dropout: {} has no meaning for mask.kind {}, whose starts it does not multiply; set 0",
      mask.dropout, name_of(mask.kind));
}

// Where spans may begin: wav2vec's leave out the last `block` positions, so that the very last one is never hidden;
// BERT's runs are cut off at the end.
void plan_starts(const MaskConfig& mask, double prob, MaskPlan& plan) {
  const int64_t positions = plan.grid.positions();
  plan.mean_starts = prob * static_cast<double>(positions) / static_cast<double>(plan.block);
  plan.start_range = mask.kind == MaskKind::spans ? positions - plan.block : positions;
  check<UsageError>(plan.start_range > 0,
                    "mask.block: runs of {} do not fit {} positions; lower it or use longer samples",
                    plan.block, positions);
}

// Positions that starts drawn without replacement hide on average.
int64_t expected_hidden(const MaskPlan& plan) {
  const auto range = static_cast<double>(plan.start_range);
  double hidden = 0;
  for (int64_t at = 0; at < plan.grid.positions(); ++at) {
    const int64_t first = std::max<int64_t>(at - plan.block + 1, 0),
                  last = std::min(at, plan.start_range - 1);
    if (last < first) continue;
    double open = 1;
    for (int64_t i = 0; i <= last - first; ++i)
      open *= 1 - plan.mean_starts / (range - static_cast<double>(i));
    hidden += 1 - std::max(open, 0.0);
  }
  return static_cast<int64_t>(hidden);
}

// Counts are given: what is left are the starting points.
MaskPlan complete_plan(const MaskConfig& mask, const MaskGrid& grid, double prob, int64_t visible) {
  check_kind(mask, grid);
  MaskPlan plan;
  plan.grid = grid;
  plan.kind = mask.kind;
  plan.block = mask.kind == MaskKind::random || mask.kind == MaskKind::beit ? 1 : mask.block;
  const auto positions = static_cast<double>(grid.positions());
  // The share that blocks cover: kept ones for inverse_block, hidden ones for block.
  const double covered = mask.kind == MaskKind::block ? prob : 1.0 - prob;
  if (in_runs(mask.kind)) {
    plan_starts(mask, prob, plan);
    if (visible < 0) visible = grid.positions() - expected_hidden(plan);
  }
  plan.visible = visible;
  plan.masked = grid.positions() - plan.visible;
  plan.area_min = mask.area_min;
  plan.area_max = mask.area_max > 0 ? mask.area_max : grid.positions();
  plan.aspect = mask.aspect;

  check<UsageError>(
      plan.visible > 0,
      "mask.prob: {} keeps none of the {} positions, the student would see nothing; lower it to {:.3g} "
      "or less",
      prob, grid.positions(), 1.0 - 1.0 / positions);
  check<UsageError>(
      plan.masked > 0,
      "mask.prob: {} hides none of the {} positions, there would be nothing to predict; raise it to "
      "{:.3g} or more",
      prob, grid.positions(), 1.0 / positions);
  if (mask.kind != MaskKind::block && mask.kind != MaskKind::inverse_block) return plan;

  const double area = static_cast<double>(grid.sequence ? plan.block : plan.block * plan.block);
  plan.starts = static_cast<int64_t>(positions * ((covered + mask.adjust) / area) * (1.0 + mask.dropout));
  check<UsageError>(plan.starts > 0,
                    "mask.block: no block of side {} fits the {:.0f} of {} positions that mask.prob {} and "
                    "mask.adjust {} leave for blocks; lower mask.block or use mask.kind random",
                    plan.block, positions * (covered + mask.adjust), grid.positions(), prob, mask.adjust);
  return plan;
}

}  // namespace

MaskGrid mask_grid(const PatchGrid& patches) { return {patches.rows(), patches.columns(), false}; }

MaskGrid image_grid(const ImageConfig& image) { return mask_grid(patch_grid(image)); }

MaskGrid sequence_grid(int64_t length) { return {1, length, true}; }

MaskPlan plan_masks(const MaskConfig& mask, const MaskGrid& grid, double prob) {
  const auto positions = static_cast<double>(grid.positions());
  const double keep = 1.0 - prob;  // rounded before the product: T = 10, R = 0.8 keeps 1
  int64_t visible = static_cast<int64_t>(positions * keep);
  if (mask.kind == MaskKind::block || mask.kind == MaskKind::beit)
    visible = grid.positions() - static_cast<int64_t>(positions * prob);
  if (in_runs(mask.kind)) visible = -1;
  return complete_plan(mask, grid, prob, visible);
}

MaskPlan plan_masks_of(const MaskConfig& mask, const MaskGrid& grid, double prob, int64_t masked) {
  // Blocks are drawn as for the share that is asked for; the starts of runs never depend on it.
  const double share =
      in_runs(mask.kind) ? prob : static_cast<double>(masked) / static_cast<double>(grid.positions());
  return complete_plan(mask, grid, share, grid.positions() - masked);
}

MaskPlan plan_masks(const MaskConfig& mask, const MaskGrid& grid) {
  if (mask.prob_min > 0) {
    check<UsageError>(mask.prob_min <= mask.prob, "mask.prob_min: {} is above mask.prob {}; swap them",
                      mask.prob_min, mask.prob);
    plan_masks(mask, grid, mask.prob_min);
  }
  return plan_masks(mask, grid, mask.prob);
}

double mask_ratio(const MaskConfig& mask, uint64_t seed, int64_t update) {
  if (mask.prob_min <= 0) return mask.prob;
  return Philox({.seed = seed, .stream = Stream::batch, .step = static_cast<uint64_t>(update)})
      .uniform(mask.prob_min, mask.prob);
}

}  // namespace d2v
