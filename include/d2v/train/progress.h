// What a person sees of a running training: one line that redraws itself on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "d2v/train/lengths.h"
#include "d2v/train/metrics.h"

namespace d2v {

// "3:07", "1:02:03", "2d 04:05".
std::string duration_text(double seconds);

// Fields in order of importance; those that do not fit into `width` columns any more are left out, never cut.
// update, epoch, loss, ETA, samples/s, lr, EMA decay, masked views/s, data-stall %,
// the loader's bottleneck where the trainer waits for it.
std::string progress_text(const Metrics& metrics, const RunLengths& lengths, double seconds_left,
                          size_t width);

class Progress {
 public:
  // `start_update`: completed updates when this session began, for the time left.
  Progress(const RunLengths& lengths, int64_t start_update);
  ~Progress();  // removes the status line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Redraws the line at most ten times a second; without a terminal logs a line every 30 seconds.
  void show(const Metrics& metrics);

 private:
  using Clock = std::chrono::steady_clock;
  RunLengths lengths_;
  int64_t start_update_;
  Clock::time_point start_, shown_{};
};

}  // namespace d2v
