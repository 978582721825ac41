// A pretraining run from its configuration to its last checkpoint: what `d2v pretrain` and `d2v resume` do.
#pragma once

#include <filesystem>
#include <string>

#include "d2v/base/check.h"
#include "d2v/base/config.h"
#include "d2v/train/trainer.h"

namespace d2v {

// Starts the run of config.run.dir, or goes on with it. `command` is what the person typed, for the log.
// Returns ok, interrupted or terminated. Throws UsageError, DataError, StorageError, CollapseError; whatever is wrong
// with configuration or data is found before the run folder is touched.
ExitCode pretrain(const Config& config, const std::string& command, const TrainObservers& observers = {});

// The configuration of a run folder, to go on with it: run.dir is where it is now, run.resume is must.
// Throws DataError where the folder holds no run.
Config config_of_run(const std::filesystem::path& run);

}  // namespace d2v
