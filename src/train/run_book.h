// Keeps the books of a run: reads the values of an update while the next one runs, watches the health, writes
// metrics.jsonl and TensorBoard events, shows progress.
#pragma once

#include <chrono>
#include <optional>

#include "d2v/base/tensorboard.h"
#include "d2v/train/monitors.h"
#include "d2v/train/progress.h"
#include "d2v/train/trainer.h"

namespace d2v {

class RunBook {
 public:
  explicit RunBook(const Training& run);

  // Takes the values of an update, and reads those of the one before.
  void enter(UpdateValues values);
  // The held-out loss at the update entered last.
  void held_out(double loss) { held_out_ = loss; }
  // Reads what is still open. Throws CollapseError when the run's health says so.
  void settle();

 private:
  void read(const UpdateValues& values);
  void write(Metrics& metrics);
  void take_speed();

  const Training& run_;
  MetricsFile file_;
  TensorboardWriter events_;
  Health health_;
  Progress progress_;
  std::optional<UpdateValues> open_;
  std::optional<double> held_out_;
  int64_t samples_seen_;
  // Since the last line.
  std::chrono::steady_clock::time_point since_;
  int64_t samples_ = 0, views_ = 0;
  double wait_seconds_ = 0;
  Speed speed_;
  LoaderStats loader_since_;
  std::optional<LoaderFigures> loader_;
};

}  // namespace d2v
