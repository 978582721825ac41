// Learning rates and EMA decays as functions of the number of completed updates (section 5 of the method).
//
// The step that makes update u+1 uses the rate of u, so with a warm-up from 0 the first step has rate 0. The EMA
// step after it uses the decay of u+1. All arithmetic in double.
#pragma once

#include <cstdint>
#include <variant>

namespace d2v {

// Linear warm-up from `min_lr` over `warmup` updates, then half a cosine down to `min_lr` over the rest.
struct CosineRate {
  double lr = 1e-3;
  double min_lr = 0;
  int64_t warmup = 0;
  int64_t updates = 1;  // length of the run
};
// The rate after `done` updates. At `done` = updates the reference begins a second period at a tenth of the rates;
// no step of a run gets that far, it matters for comparison only.
double learning_rate(const CosineRate& schedule, int64_t done);

// Linear warm-up from start_scale·lr, hold, exponential decay to end_scale·lr (wav2vec 2.0's, data2vec 1 speech).
struct TriStageRate {
  double lr = 5e-4;
  double start_scale = 0.01;
  double end_scale = 0.01;
  int64_t warmup = 0;
  int64_t hold = 0;
  int64_t decay = 1;
};
// The stages as shares of a run, each cut to whole updates as in the reference.
TriStageRate tri_stage(double lr, double start_scale, double end_scale, int64_t updates, double warmup_share,
                       double hold_share, double decay_share);
double learning_rate(const TriStageRate& schedule, int64_t done);

// Linear warm-up from 0, then (1 - progress)^power down to `end_lr` (RoBERTa's, for fine-tuning on text).
struct PolynomialRate {
  double lr = 1e-5;
  double end_lr = 0;
  double power = 1;
  int64_t warmup = 0;
  int64_t updates = 1;
};
double learning_rate(const PolynomialRate& schedule, int64_t done);

// What optim.schedule chooses.
using LearningRate = std::variant<CosineRate, TriStageRate, PolynomialRate>;
double learning_rate(const LearningRate& schedule, int64_t done);

// EMA decay τ: linear in the update number from `decay` to `end_decay` over `anneal` updates, then constant.
struct EmaDecay {
  double decay = 0.9998;
  double end_decay = 0.99999;
  int64_t anneal = 100000;
};
double ema_decay(const EmaDecay& schedule, int64_t update);

}  // namespace d2v
