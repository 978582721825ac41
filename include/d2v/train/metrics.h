// What is known about an update once its values are read: a line of metrics.jsonl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "d2v/pipeline/loader_figures.h"
#include "d2v/train/monitors.h"
#include "d2v/train/update.h"

namespace d2v {

// How fast it went, since the line before.
struct Speed {
  double samples_per_second = 0;
  double views_per_second = 0;  // masked versions
  double stall_percent = 0;     // share of the time spent waiting for data
};

// Losses are per masked position (sum / sample_size). NaN: not measured at this update.
struct Metrics {
  int64_t update = 0;  // completed updates
  double epoch = 0;    // completed epochs
  int64_t samples_seen = 0;
  double loss = 0;
  std::vector<std::pair<std::string, double>> parts;  // "regression", "cls", …
  double lr = 0;
  double ema_decay = 0;
  double gradient_norm = 0;
  double clip_factor = 1;
  bool skipped = false;
  double masked_percent = 0;
  std::optional<double> held_out_loss;
  Vitals vitals;
  Speed speed;
  std::optional<LoaderFigures> loader;  // since the line before; nothing where no loader is watched
};

// Reads the values (waits for them). The ranks and the local encoder's deviation are measured where asked for.
Metrics read_metrics(const UpdateValues& values, bool measure_ranks);

// Names and values in the order of a line: update, epoch, loss, loss_cls, lr, … Values that were not measured are
// left out.
std::vector<std::pair<std::string, double>> scalars(const Metrics& metrics);

// One JSON object without a line end; with a loader, loader_decode_pct, … (of its threads' time), loader_queue (slices ready),
// loader_mb_per_second and by name the loader's or the trainer's "bottleneck". Figures of the computation are written so that they read back exactly.
std::string to_json(const Metrics& metrics);

}  // namespace d2v
