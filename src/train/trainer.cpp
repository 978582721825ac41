#include "d2v/train/trainer.h"

#include <csignal>

#include "d2v/base/log.h"
#include "d2v/nn/aten.h"
#include "d2v/train/stop_signal.h"
#include "run_book.h"
#include "save_clock.h"

namespace d2v {
namespace {

bool is_multiple(int64_t update, int64_t period) { return period > 0 && update % period == 0; }

UpdateSettings settings_of(const Training& run) {
  const int64_t done = run.state.update;
  return {.seed = static_cast<uint64_t>(run.config.run.seed),
          .update = done,
          .lr = learning_rate(rate_of(run.config, run.lengths), done),
          .ema_decay = ema_decay(decay_of(run.config, run.lengths), done + 1)};
}

void save(Training& run, SaveClock& clock) {
  const auto path = checkpoint_path(run.folder.path, run.state.update);
  save_checkpoint(path, run.config, run.objective, run.state);
  prune_checkpoints(run.folder.path, run.config.checkpoint.keep_last, run.lengths.keep_every);
  clock.saved();
  if (run.observers.saved) run.observers.saved(path, run.state.update);
}

}  // namespace

ExitCode train(Training& run) {
  const StopSignals signals;
  RunBook book(run);
  SaveClock clock(run.config.checkpoint.every_minutes);

  while (run.state.update < run.lengths.stop_at) {
    UpdateValues values =
        run_update(run.objective, run.stream, settings_of(run), run.config.optim, run.state.adam);
    run.state.update = values.update;
    run.state.samples_seen += values.samples;
    book.enter(std::move(values));

    const bool last = run.state.update == run.lengths.stop_at;
    bool stopping = StopSignals::received() != 0;
    if (run.held_out_loss && !stopping && (last || is_multiple(run.state.update, run.lengths.valid_every))) {
      if (const std::optional<double> loss = run.held_out_loss()) book.held_out(*loss);
      stopping = StopSignals::received() != 0;
    }
    if (last || stopping || clock.due() || is_multiple(run.state.update, run.lengths.checkpoint_every)) {
      book.settle();  // metrics of everything that the checkpoint contains come first
      save(run, clock);
    }
    if (stopping) break;
  }
  book.settle();
  if (StopSignals::received() == 0) return ExitCode::ok;
  log_info("stopped by {} after update {}; the same command goes on from here",
           StopSignals::received() == SIGINT ? "SIGINT" : "SIGTERM", run.state.update);
  return StopSignals::received() == SIGINT ? ExitCode::interrupted : ExitCode::terminated;
}

std::optional<double> mean_loss(Objective& objective, const SliceStream& stream, uint64_t seed) {
  double sum = 0, positions = 0;
  while (BatchPtr slice = stream.next()) {
    if (StopSignals::received() != 0) return std::nullopt;
    const DeviceBatch batch = to_tensors(*slice);
    const StepOutput output = objective.evaluate(batch, {.seed = seed,
                                                         .update_samples = slice->update_samples,
                                                         .update_sample_size = slice->update_sample_size});
    sum += output.loss.item<double>();
    positions += static_cast<double>(output.sample_size);
    if (stream.give_back) stream.give_back(std::move(slice));
  }
  return sum / positions;
}

}  // namespace d2v
