// What a loader did over a stretch of time, as figures for a log: where its threads' time went, and who waited for whom.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "d2v/pipeline/loader.h"

namespace d2v {

struct LoaderFigures {
  std::array<double, kStageNames.size()>
      percent{};                    // of the threads' time at work, by stage; all 0: no sample was finished
  double samples_per_second = 0;    // finished, with those that lie ready still
  double megabytes_per_second = 0;  // of files as they are stored
  double queue_depth = 0;           // slices that lay ready when one was asked for, on average
  double stall_percent = 0;         // of the time, spent waiting for a slice
  // "step" where the loader waited for the trainer; else the stage that took most of its time.
  std::string_view bottleneck = "step";
};

// Below so many percent of waiting the loader keeps up: a queue is sometimes empty by chance.
inline constexpr double kStallPercent = 5;

// Of what came after `begin`.
LoaderStats stats_since(const LoaderStats& begin, LoaderStats end);

// The stage that takes most of the threads' time.
Stage slowest_stage(const StageTimes& times);

LoaderFigures loader_figures(const LoaderStats& stats);

// "decode 71 %, resize 22 %, masks 4 %, read 3 %; 12.3 MB/s; 3.9 slices ready; stall 0.2 %; bottleneck: step", most first; stages
// without time are left out.
std::string loader_line(const LoaderFigures& figures);

}  // namespace d2v
