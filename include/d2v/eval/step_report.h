// The figures of `d2v bench step` from its raw measurement: rates, arithmetic, shares. docs/performance.md defines them.
#pragma once

#include "d2v/base/config.h"
#include "d2v/eval/bench_report.h"
#include "d2v/train/step_bench.h"

namespace d2v {

// Floating-point operations of a step, from the configuration (costs.h).
struct StepArithmetic {
  double nominal = 0;     // what the reference computes
  double executed = 0;    // what is computed: nominal - skipped + recomputed
  double skipped = 0;     // rows that nobody reads, forward and backward
  double recomputed = 0;  // done a second time in the backward
};
// Of `samples` samples: recordings of speech.max_seconds each, texts of text.block tokens.
StepArithmetic step_arithmetic(const Config& config, int64_t samples);

// The median over the steps of (operations / seconds) / (mean rate of the products measured before and after the step).
// `gemm` in GFLOP/s, one more than `seconds`.
double gemm_share(double operations, const std::vector<double>& seconds, const std::vector<double>& gemm);

// Recordings of a loader have any length: their arithmetic is not reported.
bool knows_arithmetic(const Config& config, const StepBench& bench);

BenchReport step_report(const Config& config, const StepBench& bench);
std::string step_table(const Config& config, const StepBench& bench);

}  // namespace d2v
