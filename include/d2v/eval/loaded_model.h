// A trained model from a run folder or a checkpoint, ready to embed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/recipe.h"
#include "d2v/model/objective.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

struct LoadedModel {
  std::unique_ptr<Config> config;  // the run's, with the overrides
  std::vector<Option> options;     // bound to it
  std::filesystem::path checkpoint;
  int64_t update = 0;                    // that the checkpoint was made after
  std::unique_ptr<Objective> objective;  // weights loaded, fp32

  int64_t blocks() const { return config->model.prenet_depth + config->model.depth; }
  bool has_teacher() const { return objective->teacher().defined(); }
};

// `path`: a run folder, whose newest checkpoint is taken, or a checkpoint file. The configuration comes from the
// checkpoint, then the overrides (data.path, probe.k, …). Throws DataError: no such path, no run, run without
// checkpoint, broken checkpoint; UsageError: an override that changes the model.
LoadedModel load_model(const std::filesystem::path& path, std::span<const Override> overrides);

// Throws DataError where `source` holds texts of another vocabulary than the model was trained with. Passes where either
// does not tell its own, and for everything but text.
void check_vocabulary(const LoadedModel& model, const FolderSource& source);

// The same model with the weights that its run began with.
std::unique_ptr<Objective> untrained_model(const LoadedModel& model);

}  // namespace d2v
