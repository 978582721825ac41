// How fast a recipe's training step is on this machine: forward and backward of a slice of its update, AdamW and EMA, on
// made-up samples (synthetic_batch.h).
//
// The loader is left out: masks are drawn beforehand, as in the published implementation's own timing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/config.h"

namespace d2v {

struct StepBench {
  Precision precision = Precision::fp32;
  int64_t threads = 1;
  int64_t batch = 0;            // samples per step: one slice
  int64_t slices = 1;           // of an update of the recipe: run.accumulate
  int64_t clones = 0;           // masked views per sample
  int64_t tokens = 0;           // visible tokens of a step that the student encodes
  std::vector<double> seconds;  // of each timed step
  std::vector<double> forward_seconds;
  std::vector<double> backward_seconds;
  std::vector<double> update_seconds;  // norm, AdamW, EMA, low-precision copy
  double gemm_gflops_before = 0;       // 2048³ product in the step's precision, just before and after
  double gemm_gflops_after = 0;
  double peak_gib = 0;  // resident memory of the process at its highest
};

// Samples of a slice of the recipe's update: data.batch, or speech.batch_seconds of the longest recordings, over
// run.accumulate, rounded up.
int64_t slice_samples(const Config& config);

// Runs `warmup` untimed and `steps` timed steps of slice_samples(config) samples: forward, backward and update.
// Throws UsageError as make_objective.
StepBench bench_step(const Config& config, int64_t warmup, int64_t steps);

std::string step_table(const StepBench& bench);
std::string step_json(const StepBench& bench);

}  // namespace d2v
