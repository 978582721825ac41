// The training loop. It reads like section 1 of the method; what happens inside an update is in update.h.
#pragma once

#include <functional>
#include <optional>

#include "d2v/base/check.h"
#include "d2v/base/config.h"
#include "d2v/model/objective.h"
#include "d2v/pipeline/loader.h"
#include "d2v/train/checkpoint.h"
#include "d2v/train/checkpoint_files.h"
#include "d2v/train/lengths.h"
#include "d2v/train/metrics.h"
#include "d2v/train/run_folder.h"
#include "d2v/train/update.h"

namespace d2v {

// Those who watch a run: probes, reports, tests. Called from the trainer's thread; an exception ends the run.
struct TrainObservers {
  std::function<void(const RunFolder&, const RunLengths&)> started;
  std::function<void(const Metrics&)> updated;  // every update, one update later
  std::function<void(const std::filesystem::path& checkpoint, int64_t update)> saved;
};

// Everything a run consists of. References must outlive the call of train().
struct Training {
  const Config& config;
  const RunLengths& lengths;
  const RunFolder& folder;
  Objective& objective;
  TrainingState& state;  // where the run stands; advanced by train()
  SliceStream stream;    // at state.update
  // Empty: there are no held-out samples. Gives nothing when a stop signal came meanwhile.
  std::function<std::optional<double>()> held_out_loss;
  TrainObservers observers;
  std::function<LoaderStats()> loader_stats =
      nullptr;  // of the stream's loader, for the metrics; may be empty
};

// Trains from state.update to lengths.stop_at, writing metrics, events and checkpoints into the folder. SIGINT and
// SIGTERM finish the update and save, without the held-out loss that may be due; a second SIGINT ends the process.
// Returns ok, interrupted or terminated. Throws CollapseError (variance guard, too many non-finite gradients);
// StorageError (the checkpoint of before is kept); what the stream throws.
ExitCode train(Training& training);

// The loss per masked position over all slices of a stream that ends with null, without gradients; masks and noise are
// fixed by seed and sample. Nothing when a stop signal comes. Throws what the stream throws.
std::optional<double> mean_loss(Objective& objective, const SliceStream& stream, uint64_t seed);

}  // namespace d2v
