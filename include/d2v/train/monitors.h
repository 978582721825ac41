// What a run watches about itself: variances, effective rank, and the health line that speaks up before a collapse.
//
// Variances are those of section 4 of the method. A run collapses when targets or predictions become the same
// everywhere: the loss then looks excellent and the features are worthless.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/training.h"

namespace d2v {

// Mean over channels of sqrt(unbiased variance + 1e-6). `moments`: float64 (3, D), rows count, sum, sum of squares;
// those of several slices are added. NaN when fewer than two rows were counted.
double deviation_of_moments(const at::Tensor& moments);

// The same over all rows of features (…, D).
double deviation(const at::Tensor& features);

// Effective rank: exp of the entropy of the normalised singular values (Roy & Vetterli 2007; as a measure of
// representations: RankMe, arXiv 2210.02885), without centring. Features (…, D); at most `max_rows` rows, evenly
// spaced, are used. From 1 (all rows parallel) to min(rows, D). NaN where a value is not finite.
double effective_rank(const at::Tensor& features, int64_t max_rows = 256);

// One look at a run; NaN: not measured this time.
struct Vitals {
  int64_t update = 0;
  double loss = 0;
  double target_var = 0;
  double pred_var = 0;
  double target_rank = 0;  // effective rank of the targets; at most rank_limit
  double local_rank = 0;   // of the local encoder's output
  double local_var = 0;    // deviation of the local encoder's output
  double rank_limit = 0;
  bool skipped = false;  // gradient not finite
};

// Watches the vitals of a run in order.
class Health {
 public:
  explicit Health(const HealthConfig& config) : config_(config) {}

  // Throws CollapseError with the reason and what to try when, after guard_after updates, a variance is below its
  // limit, or when max_skipped updates in a row were skipped. Returns a warning in words when a value comes near
  // its limit or falls fast; the same warning is not repeated while it lasts.
  std::optional<std::string> observe(const Vitals& vitals);

  // "targets 0.82, predictions 0.41, effective rank 55 of 192, local encoder 0.63": the last known values.
  std::string line() const;

  // In a row so far; a resumed run goes on counting.
  int64_t skipped_in_a_row() const { return skipped_; }
  void set_skipped_in_a_row(int64_t count) { skipped_ = count; }

 private:
  void stop_if_collapsed(const Vitals& vitals) const;
  std::vector<std::string> complaints(const Vitals& vitals) const;

  HealthConfig config_;
  Vitals last_;
  int64_t skipped_ = 0;
  double best_rank_ = 0;
  std::string said_;
};

}  // namespace d2v
