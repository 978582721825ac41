#include "d2v/pipeline/mask_stats.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"

namespace d2v {
namespace {

class Sums {
 public:
  void add(double x) {
    low_ = count_ == 0 ? x : std::min(low_, x);
    high_ = count_ == 0 ? x : std::max(high_, x);
    ++count_;
    const double step = x - mean_;  // Welford
    mean_ += step / static_cast<double>(count_);
    squares_ += step * (x - mean_);
  }
  MeanAndDeviation spread() const {
    return {mean_, count_ > 1 ? std::sqrt(squares_ / static_cast<double>(count_ - 1)) : 0, low_, high_};
  }

 private:
  int64_t count_ = 0;
  double mean_ = 0, squares_ = 0, low_ = 0, high_ = 0;
};

}  // namespace

int64_t count_components(const MaskGrid& grid, std::span<const int64_t> positions) {
  std::vector<char> open(static_cast<size_t>(grid.positions()), 0);
  for (const int64_t at : positions) open[at] = 1;
  std::vector<int64_t> stack;
  int64_t components = 0;
  for (const int64_t first : positions) {
    if (!open[first]) continue;
    ++components;
    open[first] = 0;
    stack.push_back(first);
    while (!stack.empty()) {
      const int64_t at = stack.back(), column = at % grid.columns;
      stack.pop_back();
      const auto visit = [&](bool inside, int64_t next) {
        if (!inside || !open[next]) return;
        open[next] = 0;
        stack.push_back(next);
      };
      visit(column > 0, at - 1);
      visit(column + 1 < grid.columns, at + 1);
      visit(at >= grid.columns, at - grid.columns);
      visit(at + grid.columns < grid.positions(), at + grid.columns);
    }
  }
  return components;
}

double intersection_over_union(std::span<const int64_t> a, std::span<const int64_t> b) {
  size_t i = 0, j = 0, both = 0;
  while (i < a.size() && j < b.size()) {
    both += a[i] == b[j];
    const bool step_a = a[i] <= b[j], step_b = b[j] <= a[i];
    i += step_a;
    j += step_b;
  }
  const size_t either = a.size() + b.size() - both;
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

MaskStats measure_masks(const MaskConfig& mask, const MaskGrid& grid, uint64_t seed, int64_t samples) {
  MaskStats stats;
  stats.plan = plan_masks(mask, grid);
  stats.samples = samples;
  stats.clones = mask.clones;
  MaskScratch scratch;
  Sums visible_components, masked_components, overlap;
  std::vector<int64_t> visible(static_cast<size_t>(stats.plan.visible)),
      masked(static_cast<size_t>(stats.plan.masked));
  std::vector<int64_t> previous;
  std::vector<int64_t> seen(static_cast<size_t>(grid.positions()));
  int64_t never = 0;
  for (int64_t sample = 0; sample < samples; ++sample) {
    std::vector<char> seen_here(seen.size(), 0);
    for (int64_t clone = 0; clone < mask.clones; ++clone) {
      draw_mask(stats.plan,
                {.seed = seed,
                 .stream = Stream::mask,
                 .sample = static_cast<uint64_t>(sample),
                 .clone = static_cast<uint32_t>(clone)},
                scratch, visible, masked);
      visible_components.add(static_cast<double>(count_components(grid, visible)));
      masked_components.add(static_cast<double>(count_components(grid, masked)));
      if (clone > 0) overlap.add(intersection_over_union(previous, masked));
      previous = masked;
      for (const int64_t at : visible) {
        ++seen[at];
        seen_here[at] = 1;
      }
    }
    never += std::count(seen_here.begin(), seen_here.end(), 0);
  }
  stats.visible_components = visible_components.spread();
  stats.masked_components = masked_components.spread();
  stats.clone_overlap = overlap.spread();
  const auto draws = static_cast<double>(samples * mask.clones);
  const auto [least, most] = std::minmax_element(seen.begin(), seen.end());
  stats.least_visible_share = static_cast<double>(*least) / draws;
  stats.most_visible_share = static_cast<double>(*most) / draws;
  stats.never_visible_share = static_cast<double>(never) / static_cast<double>(samples * grid.positions());
  return stats;
}

std::string format_mask_stats(const MaskStats& stats) {
  const MaskPlan& plan = stats.plan;
  const auto positions = static_cast<double>(plan.grid.positions());
  std::string text = fmt::format("{} masks of {} x {} positions ({}): {} samples, {} clones each\n",
                                 stats.samples * stats.clones, plan.grid.rows, plan.grid.columns,
                                 name_of(plan.kind), stats.samples, stats.clones);
  if (plan.mean_starts > 0)
    text += fmt::format("runs of {}, {:.1f} a mask on average\n", plan.block, plan.mean_starts);
  if (plan.starts > 0) text += fmt::format("blocks of side {}, {} a mask\n", plan.block, plan.starts);
  text += fmt::format("kept    {:4} of {} positions, {:5.1f} %\n", plan.visible, plan.grid.positions(),
                      100 * static_cast<double>(plan.visible) / positions);
  text += fmt::format("hidden  {:4} of {} positions, {:5.1f} %\n\n", plan.masked, plan.grid.positions(),
                      100 * static_cast<double>(plan.masked) / positions);
  const auto row = [&](std::string_view name, const MeanAndDeviation& spread, int digits) {
    text += fmt::format("{:<36}{:>8.{}f}{:>8.{}f}{:>8.{}f}{:>8.{}f}\n", name, spread.mean, digits, spread.std,
                        digits, spread.min, digits, spread.max, digits);
  };
  text += fmt::format("{:<36}{:>8}{:>8}{:>8}{:>8}\n", "", "mean", "std", "min", "max");
  row("kept groups (joined by edges)", stats.visible_components, 2);
  row("hidden groups", stats.masked_components, 2);
  if (stats.clones > 1) row("overlap of clones, hidden (IoU)", stats.clone_overlap, 3);
  text += fmt::format("\na position is kept in {:.1f} % (rarest) to {:.1f} % (most frequent) of the masks\n",
                      100 * stats.least_visible_share, 100 * stats.most_visible_share);
  text += fmt::format("{:.2f} % of a sample's positions are kept by none of its {} clones\n",
                      100 * stats.never_visible_share, stats.clones);
  return text;
}

}  // namespace d2v
