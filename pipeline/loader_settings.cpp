#include <algorithm>
#include <thread>

#include "d2v/base/check.h"
#include "d2v/pipeline/loader.h"
#include "sample_lengths.h"

namespace d2v {

int64_t loader_threads(const DataConfig& data, int64_t trainer_threads) {
  if (data.threads > 0) return data.threads;
  const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
  return trainer_threads > 0 ? std::max<int64_t>(cores - trainer_threads, 1) : 1;
}

int64_t trainer_threads(const RunConfig& run) {
  return run.threads > 0 ? run.threads : std::max<int64_t>(1, std::thread::hardware_concurrency());
}

LoaderSettings loader_settings(const Config& config, LoaderMode mode) {
  return {.mode = mode,
          .data = config.data,
          .image = config.image,
          .speech = config.speech,
          .text = config.text,
          .spectrogram = config.spectrogram,
          .mask = config.mask,
          .seed = static_cast<uint64_t>(config.run.seed),
          .accumulate = mode == LoaderMode::embed ? 1 : config.run.accumulate,
          .threads = loader_threads(config.data, trainer_threads(config.run))};
}

Plan make_plan(const Source& source, const LoaderSettings& settings) {
  const bool train = settings.mode == LoaderMode::train;
  check<UsageError>(settings.workers >= 1 && settings.worker >= 0 && settings.worker < settings.workers,
                    "loader: expected a worker from 0 to {}, found {} of {}",
                    std::max<int64_t>(settings.workers, 1) - 1, settings.worker, settings.workers);
  check<UsageError>(
      !train || settings.accumulate % settings.workers == 0,
      "run.accumulate: {} slices per update cannot be shared evenly by {} workers, each of which "
      "takes whole slices; choose a multiple of {}",
      settings.accumulate, settings.workers, settings.workers);
  return Plan({.samples = static_cast<int64_t>(source.size()),
               .batch = settings.data.batch,
               .accumulate = settings.accumulate,
               .drop_last = train && settings.data.drop_last,
               .shuffle = train,
               .seed = settings.seed,
               .lengths = used_lengths(source, settings),
               .batch_length = settings.mode == LoaderMode::embed ? 0 : batch_length(source, settings),
               .crop = crops(source, settings),
               .shares = train ? source.shares() : std::vector<SourceShare>{}});
}

}  // namespace d2v
