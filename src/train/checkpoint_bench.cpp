#include "d2v/train/checkpoint_bench.h"

#include <memory>
#include <unistd.h>

#include <fmt/format.h>

#include "d2v/base/check.h"
#include "d2v/base/part_clock.h"
#include "d2v/train/checkpoint.h"
#include "d2v/train/precision.h"

namespace d2v {

namespace {

// Removes the file when it goes.
struct ScratchFile {
  std::filesystem::path path;
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

}  // namespace

CheckpointBench bench_checkpoint(const Config& config, const std::filesystem::path& folder, int64_t repeats) {
  check<UsageError>(std::filesystem::is_directory(folder),
                    "d2v bench checkpoint writes into a folder; '{}' is none: name one with --dir",
                    folder.string());
  const std::filesystem::path path = folder / fmt::format("d2v_bench_{}.safetensors", ::getpid());
  check<UsageError>(!std::filesystem::exists(path), "{} is there already: remove it or name another --dir",
                    path.string());
  const std::unique_ptr<Objective> objective =
      make_objective(config, resolve_precision(config.run.precision));
  TrainingState state(objective->layout());
  const ScratchFile file{path};
  CheckpointBench bench;
  for (int64_t i = 0; i < repeats; ++i) {
    double start = seconds_now();
    save_checkpoint(path, config, *objective, state);
    bench.save_seconds.push_back(seconds_now() - start);
    bench.bytes = static_cast<int64_t>(std::filesystem::file_size(path));
    start = seconds_now();
    load_checkpoint(path, *objective, state);
    bench.load_seconds.push_back(seconds_now() - start);
  }
  return bench;
}

}  // namespace d2v
