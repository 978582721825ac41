#include "d2v/pipeline/loader_figures.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace d2v {

LoaderStats stats_since(const LoaderStats& begin, LoaderStats end) {
  const double ready =
      end.queue_depth * static_cast<double>(end.calls) - begin.queue_depth * static_cast<double>(begin.calls);
  end.calls -= begin.calls;
  end.queue_depth = ready / static_cast<double>(std::max<int64_t>(end.calls, 1));
  end.samples -= begin.samples;
  end.seconds -= begin.seconds;
  end.stall_seconds -= begin.stall_seconds;
  for (size_t i = 0; i < kStageNames.size(); ++i) end.stages.nanoseconds[i] -= begin.stages.nanoseconds[i];
  end.stages.bytes -= begin.stages.bytes;
  end.stages.samples -= begin.stages.samples;
  return end;
}

Stage slowest_stage(const StageTimes& times) {
  const auto most = std::max_element(times.nanoseconds.begin(), times.nanoseconds.end());
  return static_cast<Stage>(most - times.nanoseconds.begin());
}

LoaderFigures loader_figures(const LoaderStats& stats) {
  LoaderFigures figures;
  const StageTimes& times = stats.stages;
  const int64_t all = std::accumulate(times.nanoseconds.begin(), times.nanoseconds.end(), int64_t{0});
  for (size_t i = 0; i < kStageNames.size() && all > 0; ++i)
    figures.percent[i] = 100 * static_cast<double>(times.nanoseconds[i]) / static_cast<double>(all);
  const double seconds = std::max(stats.seconds, 1e-9);
  figures.samples_per_second = static_cast<double>(times.samples) / seconds;
  figures.megabytes_per_second = static_cast<double>(times.bytes) / seconds / 1e6;
  figures.queue_depth = stats.queue_depth;
  figures.stall_percent = 100 * stats.stall_seconds / seconds;
  if (figures.stall_percent >= kStallPercent && all > 0) figures.bottleneck = name_of(slowest_stage(times));
  return figures;
}

std::string loader_line(const LoaderFigures& figures) {
  std::array<size_t, kStageNames.size()> order{};
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return figures.percent[a] > figures.percent[b]; });
  std::string out;
  for (const size_t stage : order) {
    if (figures.percent[stage] > 0)
      out +=
          fmt::format("{}{} {:.0f} %", out.empty() ? "" : ", ", kStageNames[stage], figures.percent[stage]);
  }
  return out + fmt::format("{}{:.1f} MB/s; {:.1f} slices ready; stall {:.1f} %; bottleneck: {}",
                           out.empty() ? "" : "; ", figures.megabytes_per_second, figures.queue_depth,
                           figures.stall_percent, figures.bottleneck);
}

}  // namespace d2v
