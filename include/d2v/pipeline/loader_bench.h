// How fast the loader is on this machine: each stage by itself, and all of it together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/pipeline/loader.h"

namespace d2v {

struct LoaderRun {
  int64_t threads = 0;
  int64_t batches = 0;
  LoaderStats stats;  // of the timed part
};

struct LoaderBench {
  Modality modality = Modality::image;
  int64_t batch = 0;
  int64_t clones = 0;
  double wanted = 0;            // samples a second that were taken; 0: as many as there were
  std::vector<LoaderRun> runs;  // one per number of threads
};

// Of what came after `begin`.
LoaderStats stats_since(const LoaderStats& begin, LoaderStats end);

// Runs the training loader for about `seconds` with each number of `threads`, from update 0 on, after a first batch that is
// not timed. `wanted` above 0: takes no more than so many samples a second, as a trainer would; the stall then says what a
// trainer of that speed would wait. Throws what Loader throws.
LoaderBench bench_loader(const Source& source, LoaderSettings settings, const std::vector<int64_t>& threads,
                         double seconds, double wanted);

// The stage that takes most of the threads' time.
Stage slowest_stage(const StageTimes& times);

// As text: what a stage takes per sample, how many samples and megabytes one core would get through doing nothing else, its
// share; the throughput of the whole; the bottleneck in words.
std::string loader_table(const LoaderBench& bench);
std::string loader_json(const LoaderBench& bench);

}  // namespace d2v
