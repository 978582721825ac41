// How fast the loader is on this machine: each stage by itself, and all of it together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/pipeline/loader_figures.h"

namespace d2v {

struct LoaderRun {
  int64_t threads = 0;
  int64_t batches = 0;
  LoaderStats stats;  // of the timed part
};

// A stage by itself on one thread, its inputs in memory: the most that it could do. `decode` decodes whole pictures, where
// the loader may decode less; recordings from their beginning, at most 20 s.
struct StageAlone {
  Stage stage = Stage::read;
  int64_t samples = 0;
  double seconds = 0;
  int64_t bytes = 0;  // of the files; 0: the stage sees none of them
};

struct LoaderBench {
  Modality modality = Modality::image;
  int64_t batch = 0;
  int64_t clones = 0;
  double wanted = 0;            // samples a second that were taken; 0: as many as there were
  std::vector<LoaderRun> runs;  // one per number of threads
  std::vector<StageAlone> alone{};
};

// Measures each stage alone, then runs the training loader for about `seconds` with each number of `threads`, from update 0 on, after a first batch that is
// not timed. `wanted` above 0: takes no more than so many samples a second, as a trainer would; the stall then says what a
// trainer of that speed would wait. Throws what Loader throws.
LoaderBench bench_loader(const Source& source, LoaderSettings settings, const std::vector<int64_t>& threads,
                         double seconds, double wanted);

// As text: each stage alone; what a stage takes per sample within the loader, how many samples and megabytes one core would get
// through doing nothing else, its share; throughput, stall and slices ready of the whole; the bottleneck in words: the slowest
// stage, or "step" where the samples that were wanted were there in time.
std::string loader_table(const LoaderBench& bench);
std::string loader_json(const LoaderBench& bench);

}  // namespace d2v
