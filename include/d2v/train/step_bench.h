// How fast a recipe's training step is on this machine: forward and backward of a slice of its update, AdamW and EMA.
//
// Made-up samples (synthetic_batch.h) with masks that are drawn beforehand, as in the published implementation's own
// timing; or the slices of a loader, and then the time spent waiting for them counts. What the figures mean:
// docs/performance.md; the report made of them: eval/step_report.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/part_clock.h"
#include "d2v/train/observed_step.h"
#include "d2v/train/update.h"

namespace d2v {

struct StepBench {
  Precision precision = Precision::fp32;
  std::string simd;  // what the own kernels ran on
  int64_t threads = 1;
  int64_t batch = 0;    // samples per step: one slice
  int64_t slices = 1;   // of an update of the recipe: run.accumulate
  int64_t clones = 0;   // masked views per sample
  int64_t tokens = 0;   // visible tokens of a step that the student encodes; with a loader on average
  bool loader = false;  // slices came from a loader
  std::vector<PartTimes> parts;  // of each timed step
  std::vector<double>
      gemm;  // GFLOP/s of a square product in the step's precision: before the first timed step and after each
  double gemm_fp32 = 0, gemm_bf16 = 0;  // the same in both precisions, once at the end
  double peak_gib = 0;    // resident memory of the process at its highest, up to the last timed step
  ObservedStep observed;  // one more step, not timed

  std::vector<double> seconds() const;  // of each timed step
};

// Samples of a slice of the recipe's update: data.batch, or speech.batch_seconds of the longest recordings, over
// run.accumulate, rounded up.
int64_t slice_samples(const Config& config);

struct StepBenchSettings {
  int64_t warmup = 1;  // steps before the timed ones
  int64_t steps = 5;   // timed
  int64_t product =
      2048;              // most rows of the square matrices whose product is timed; fewer where it takes long
  SliceStream stream{};  // of the recipe's loader, from update 0; empty: made-up samples
};

// Runs the steps of slice_samples(config) samples: forward, backward and update. Throws UsageError as make_objective; what
// the stream throws.
StepBench bench_step(const Config& config, const StepBenchSettings& settings);

// 2·n³ over the median time of three products of two n × n matrices in that precision, in GFLOP/s.
double gemm_gflops(Precision precision, int64_t n, at::Device device);

// The middle one, the upper of two; 0 of none.
double median(std::vector<double> values);

}  // namespace d2v
