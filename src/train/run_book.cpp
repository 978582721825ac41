#include "run_book.h"

#include "d2v/base/log.h"

namespace d2v {
namespace {

constexpr double kSpeedSeconds = 1;  // shorter stretches would make the figures jump

int64_t health_lines_every(const Config& config) { return config.health.rank_every * 10; }

}  // namespace

RunBook::RunBook(const Training& run)
    : run_(run),
      file_(run.folder.path / "metrics.jsonl", run.state.update),
      events_(run.folder.path, run.state.update + 1),
      health_(run.config.health),
      progress_(run.lengths, run.state.update),
      samples_seen_(run.state.samples_seen),
      since_(std::chrono::steady_clock::now()) {
  health_.set_skipped_in_a_row(run.state.skipped_in_a_row);
}

void RunBook::enter(UpdateValues values) {
  settle();
  open_ = std::move(values);
}

void RunBook::settle() {
  if (!open_) return;
  const UpdateValues values = std::move(*open_);
  open_.reset();
  read(values);
}

void RunBook::read(const UpdateValues& values) {
  const Config& config = run_.config;
  const bool last = values.update == run_.lengths.stop_at;
  const bool ranks = values.update % config.health.rank_every == 0 || values.update == 1 || last;
  if (values.arrived) values.arrived();
  Metrics metrics = read_metrics(values, ranks);
  run_.state.skipped_in_a_row = metrics.skipped ? run_.state.skipped_in_a_row + 1 : 0;
  samples_seen_ += values.samples;
  samples_ += values.samples;
  views_ += values.views;
  wait_seconds_ += values.wait_seconds;
  metrics.samples_seen = samples_seen_;
  metrics.epoch = static_cast<double>(values.update) / static_cast<double>(run_.lengths.per_epoch);
  metrics.held_out_loss = held_out_;
  held_out_.reset();
  take_speed();
  metrics.speed = speed_;
  metrics.loader = loader_;
  if (ranks || last || metrics.held_out_loss || values.update % config.run.log_every == 0) write(metrics);
  progress_.show(metrics);
  if (run_.observers.updated) run_.observers.updated(metrics);
  // Last, so that the line of a collapse is in the file.
  if (const auto warning = health_.observe(metrics.vitals))
    log_warning("update {}: {}", values.update, *warning);
  if (values.update % health_lines_every(config) == 0 || last) log_info("health: {}", health_.line());
  if (metrics.held_out_loss)
    log_info("update {}: held-out loss {:.5f}", values.update, *metrics.held_out_loss);
}

void RunBook::write(Metrics& metrics) {
  file_.append(to_json(metrics));
  std::vector<Scalar> events;
  for (const auto& [name, value] : scalars(metrics)) events.push_back({"train/" + name, value});
  events_.write(metrics.update, events);
}

void RunBook::take_speed() {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - since_).count();
  if (seconds < kSpeedSeconds && speed_.samples_per_second > 0) return;
  speed_ = {static_cast<double>(samples_) / seconds, static_cast<double>(views_) / seconds,
            100 * wait_seconds_ / seconds};
  since_ = now;
  samples_ = views_ = 0;
  wait_seconds_ = 0;
  if (!run_.loader_stats) return;
  const LoaderStats stats = run_.loader_stats();
  loader_ = loader_figures(stats_since(loader_since_, stats));
  loader_since_ = stats;
}

}  // namespace d2v
