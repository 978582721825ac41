#include "update_masks.h"

#include <algorithm>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "tsan.h"

namespace d2v {
namespace {

// Slices of more updates than this are never at work at once; were they, their numbers would be found again.
constexpr size_t kKept = 4;

// Samples that one task draws masks for.
constexpr size_t kTogether = 8;

bool in_runs(const MaskConfig& mask) { return mask.kind == MaskKind::spans || mask.kind == MaskKind::bert; }

}  // namespace

struct UpdateMasks::Update {
  std::once_flag once;
  std::vector<MaskPlan> plans;
};

UpdateMasks::UpdateMasks(const Source& source, const LoaderSettings& settings, const SampleGeometry& geometry,
                         const std::vector<int64_t>& lengths, const SampleWork& work)
    : source_(source), settings_(settings), geometry_(geometry), lengths_(lengths), work_(work) {}

double UpdateMasks::ratio_of(int64_t update) const {
  // Held-out masks are the same at every evaluation, whatever batch a picture is in.
  const bool fixed = settings_.mode != LoaderMode::train;
  return fixed ? settings_.mask.prob : mask_ratio(settings_.mask, settings_.seed, update);
}

MaskPlan UpdateMasks::plan_of_sample(const MaskGrid& grid, int64_t update, int64_t hidden) const {
  const double ratio = ratio_of(update);
  // What runs hide on average is slow to find, and nothing here needs it.
  if (in_runs(settings_.mask)) return plan_masks_of(settings_.mask, grid, ratio, hidden);
  const MaskPlan plan = plan_masks(settings_.mask, grid, ratio);
  return plan.masked == hidden ? plan : plan_masks_of(settings_.mask, grid, ratio, hidden);
}

// Without runs, the number follows from the length.
MaskPlan UpdateMasks::even_plan(const SliceShape& shape, double ratio) const {
  const MaskPlan plan = plan_masks(settings_.mask, geometry_.grid(shape.shortest), ratio);
  if (shape.shortest == shape.length) return plan;
  // As many hidden as in the shortest sample of the slice: more would not fit there.
  return plan_masks_of(settings_.mask, geometry_.grid(shape.length), ratio, plan.masked);
}

int64_t UpdateMasks::least_hidden(const Slice& slice, size_t part, size_t i, double ratio,
                                  MaskScratch& scratch) const {
  const SliceShape& shape = slice.update_shapes[part];
  const uint32_t row = slice.update_rows[part][i];
  const SampleRef ref{source_.id(row), slice.update_occurrences[part][i]};
  const MaskGrid grid = geometry_.grid(lengths_.empty() ? 0 : std::min(lengths_[row], shape.length));
  const MaskPlan plan = plan_masks_of(settings_.mask, grid, ratio, 1);  // whose starts do not depend on the 1
  int64_t least = geometry_.positions(shape.shortest) - 1;
  for (int64_t clone = 0; clone < settings_.mask.clones; ++clone)
    least = std::min(least, hidden_before_correction(plan, work_.mask_key(slice.epoch, ref, clone), scratch));
  return std::max<int64_t>(least, 1);
}

std::vector<MaskPlan> UpdateMasks::plans_of_runs(const Slice& slice, double ratio) const {
  std::vector<MaskPlan> plans;
  for (size_t part = 0; part < slice.update_shapes.size(); ++part) {
    std::vector<int64_t> least(slice.update_rows[part].size());
    const auto draw = [&](const tbb::blocked_range<size_t>& range) {
      MaskScratch scratch;
      for (size_t i = range.begin(); i < range.end(); ++i)
        least[i] = least_hidden(slice, part, i, ratio, scratch);
    };
    // Isolated: this thread must not start another slice, which would wait for this very update.
    tbb::this_task_arena::isolate(
        [&] { tbb::parallel_for(tbb::blocked_range<size_t>(0, least.size(), kTogether), tsan::Task(draw)); });
    tsan::received(&draw);
    plans.push_back(plan_masks_of(settings_.mask, geometry_.grid(slice.update_shapes[part].length), ratio,
                                  *std::min_element(least.begin(), least.end())));
  }
  return plans;
}

std::shared_ptr<UpdateMasks::Update> UpdateMasks::update_of(int64_t update) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Update>& found = updates_[update];
  if (!found) found = std::make_shared<Update>();
  const std::shared_ptr<Update> result = found;
  if (updates_.size() > kKept) updates_.erase(updates_.begin());
  return result;
}

std::vector<MaskPlan> UpdateMasks::plans_of(const Slice& slice) const {
  const double ratio = ratio_of(slice.update);
  if (!in_runs(settings_.mask)) {
    std::vector<MaskPlan> plans;
    for (const SliceShape& shape : slice.update_shapes) plans.push_back(even_plan(shape, ratio));
    return plans;
  }
  const std::shared_ptr<Update> update = update_of(slice.update);
  std::call_once(update->once, [&] { update->plans = plans_of_runs(slice, ratio); });
  return update->plans;
}

}  // namespace d2v
