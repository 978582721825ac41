#include "d2v/train/pretrain.h"

#include <ATen/Parallel.h>

#include "d2v/base/config_source.h"
#include "d2v/base/log.h"
#include "d2v/base/version.h"
#include "d2v/nn/device.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/loader_figures.h"
#include "d2v/pipeline/sources.h"
#include "d2v/train/precision.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;

// Both auto settings become what they mean here, once for a run: it keeps its precision on every machine.
Config settled(Config config) {
  if (config.run.precision == Precision::automatic && fs::exists(fs::path(config.run.dir) / kConfigFile)) {
    config.run.precision = config_of_run(config.run.dir).run.precision;
  }
  const bool on_gpu = !resolve_device(config.run.device).is_cpu();
  config.run.precision = resolve_precision(config.run.precision, on_gpu);
  return config;
}

SliceStream stream_of(Loader& loader) {
  return {[&loader] { return loader.next(); },
          [&loader](BatchPtr slice) { loader.recycle(std::move(slice)); }};
}

// Restores the newest checkpoint, or starts from init.from, or from fresh weights. Says which.
void start_weights(const Config& config, const RunFolder& folder, Objective& objective,
                   TrainingState& state) {
  const auto latest = latest_checkpoint(folder.path);
  if (!latest) {
    if (!config.init.from.empty()) {
      const fs::path from = find_checkpoint(config.init.from);
      check_vocabulary(from, state.vocabulary);
      if (state.vocabulary == 0) state.vocabulary = vocabulary_of(from);
      init_weights(config.init, objective);
      log_info("weights start from {}", config.init.from);
    }
    if (folder.continues) log_info("the run has no checkpoint yet, it starts from the beginning");
    return;
  }
  const std::string data = state.data;
  const uint64_t vocabulary = state.vocabulary;
  check_vocabulary(latest->path, vocabulary);
  load_checkpoint(latest->path, objective, state);
  if (vocabulary != 0) state.vocabulary = vocabulary;
  check<DataError>(
      state.data == data,
      "the data set is not the one that the run in {} was trained on: expected {}, found {} in {}. "
      "Restore it, or start a new run from these weights with another run.dir and --init.from {}",
      folder.path.string(), state.data, data,
      config.data.sources.empty() ? config.data.path : config.data.sources, folder.path.string());
  log_info("going on from {} after update {}", latest->path.string(), state.update);
}

void announce(const Config& config, const std::string& command, const DataSources& sources,
              const RunLengths& lengths, const Objective& objective) {
  int64_t weights = 0;
  for (const Parameter& p : objective.layout().all()) weights += p.count;
  log_info("{} (version {})", command, kVersion);
  log_info("data: {}", sources.train->describe());
  if (sources.valid) log_info("held out: {}", sources.valid->describe());
  log_info("model: {:.2f} million weights, {}, {} threads", static_cast<double>(weights) / 1e6,
           name_of(config.run.precision), trainer_threads(config.run));
  for (const std::string& line : describe_lengths(config, lengths)) log_info("{}", line);
  for (const std::string& line : length_warnings(config, lengths)) log_warning("{}", line);
}

// Files that could not be read, and those of other kinds beside them.
void write_skipped(SkippedFile& file, const Loader& loader, const Source& source) {
  std::vector<SkippedFile::Entry> entries;
  for (const BadFile& other : source.others())
    entries.push_back({other.path, other.reason, other.count, true});
  for (const BadFile& bad : loader.bad_files())
    entries.push_back({bad.path, bad.reason, bad.count, bad.in_scan});
  file.write(entries);
}

// The log file belongs to the run, also when it ends by an exception.
struct RunLog {
  explicit RunLog(const fs::path& path) { open_log_file(path); }
  ~RunLog() { close_log_file(); }
};

ExitCode run_training(Training& run, const DataSources& sources) {
  const fs::path skipped_path = run.folder.path / "skipped.tsv";
  LoaderSettings settings = loader_settings(run.config, LoaderMode::train);
  settings.first_update = run.state.update;
  settings.last_update = run.lengths.stop_at;
  Loader loader(*sources.train, settings);
  SkippedFile skipped(skipped_path);
  run.stream = stream_of(loader);
  run.loader_stats = [&loader] { return loader.stats(); };
  if (sources.valid) {
    run.held_out_loss = [&] {
      Loader held_out(*sources.valid, loader_settings(run.config, LoaderMode::evaluate));
      return mean_loss(run.objective, stream_of(held_out), static_cast<uint64_t>(run.config.run.seed));
    };
  }
  const auto saved = run.observers.saved;
  run.observers.saved = [&](const fs::path& path, int64_t update) {
    write_skipped(skipped, loader, *sources.train);
    if (saved) saved(path, update);
  };
  try {
    const ExitCode code = train(run);
    log_info("loader, {} {}: {}", settings.threads, settings.threads == 1 ? "thread" : "threads",
             loader_line(loader_figures(loader.stats())));
    write_skipped(skipped, loader, *sources.train);
    if (!loader.bad_files().empty()) {
      log_warning("{} {} were left out, or replaced by others where they could not be read: {}",
                  loader.bad_files().size(), samples_word(run.config.model.modality), skipped_path.string());
    }
    return code;
  } catch (const DataError&) {
    write_skipped(skipped, loader, *sources.train);
    throw;
  }
}

}  // namespace

ExitCode pretrain(const Config& wanted, const std::string& command, const TrainObservers& observers) {
  Config config = settled(wanted);
  at::set_num_threads(static_cast<int>(trainer_threads(config.run)));
  const DataSources sources = open_sources(config);
  if (sources.vocabulary.size > 0) config.text.vocabulary_size = sources.vocabulary.size;
  const Plan plan = make_plan(*sources.train, loader_settings(config, LoaderMode::train));
  const RunLengths lengths = resolve_lengths(config, plan.updates_per_epoch());
  const auto objective = make_objective(config, config.run.precision);
  TrainingState state(objective->layout());
  state.adam = AdamState(objective->layout(), objective->weights().device());
  state.data = source_identity(*sources.train);
  state.vocabulary = sources.vocabulary.hash;
  Loader(*sources.train, loader_settings(config, LoaderMode::train));  // of no update: checks the settings

  RunFolder folder = open_run_folder(config);
  folder.data = state.data;
  config.run.resume = ResumeMode::automatic;  // a wish of this session; checkpoints do not depend on it
  const RunLog log(folder.path / "run.log");
  announce(config, command, sources, lengths, *objective);
  start_weights(config, folder, *objective, state);
  if (state.update >= lengths.stop_at) {
    log_info("nothing left to do: {} is at update {} of {}{}", folder.path.string(), state.update,
             lengths.updates,
             lengths.stop_at < lengths.updates ? " and run.stop_at says so; --run.stop_at 0 goes on" : "");
    return ExitCode::ok;
  }
  if (observers.started) observers.started(folder, lengths);
  Training run{config, lengths, folder, *objective, state, {}, {}, observers};
  try {
    const ExitCode code = run_training(run, sources);
    if (code == ExitCode::ok)
      log_info("done: update {} of {}, {}", state.update, lengths.updates, folder.path.string());
    return code;
  } catch (const std::exception& error) {
    log_line(LogLevel::error, error.what(), LogTo::file);  // so that run.log tells why the run ended
    throw;
  }
}

Config config_of_run(const fs::path& run) {
  check<DataError>(fs::exists(run / kConfigFile), "{} holds no run: expected {} in it", run.string(),
                   kConfigFile);
  Config config;
  auto table = option_table(config);
  apply_source(table, run);
  config.run.dir = run.string();
  config.run.resume = ResumeMode::must;
  return config;
}

}  // namespace d2v
