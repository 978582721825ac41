#include "d2v/eval/loaded_model.h"

#include <cstdlib>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/safetensors.h"
#include "d2v/train/checkpoint.h"
#include "d2v/train/checkpoint_files.h"

namespace d2v {

namespace {

namespace fs = std::filesystem;

// Options that say what the weights are; everything else may be changed for an evaluation.
bool shapes_the_model(const std::string& key) {
  return key.starts_with("model.") || key.starts_with("decoder.") || key.starts_with("data2vec1.") ||
         key.starts_with("mae.") || key == "image.patch" || key == "image.size" || key == "image.channels" ||
         key.starts_with("ema.") || key == "run.seed" || key.starts_with("loss.") ||
         key == "speech.conv_layers" || key.starts_with("speech.positions_") ||
         key == "text.vocabulary_size" || key == "text.max_positions" || key == "spectrogram.patch" ||
         key == "spectrogram.frames" || key == "spectrogram.bins";
}

int64_t update_of(const fs::path& checkpoint) {
  const SafetensorsReader reader(checkpoint);
  const auto found = reader.metadata().find("update");
  return found == reader.metadata().end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

}  // namespace

LoadedModel load_model(const fs::path& path, std::span<const Override> overrides) {
  check<DataError>(fs::exists(path), "{}: no such run folder or checkpoint", path.string());
  if (fs::is_directory(path))
    check<DataError>(fs::exists(path / kConfigFile),
                     "{} is not a run folder: it has no {}; give the folder that "
                     "`d2v pretrain` wrote (run.dir), or a checkpoint file",
                     path.string(), kConfigFile);
  for (const Override& one : overrides)
    check<UsageError>(!shapes_the_model(one.key),
                      "--{} cannot be changed here: the weights of {} depend on it", one.key, path.string());
  LoadedModel model;
  model.checkpoint = find_checkpoint(path);
  model.config = std::make_unique<Config>();
  model.options = option_table(*model.config);
  apply_source(model.options, model.checkpoint);
  model.config->run.device = DeviceKind::cpu;  // where it was trained says nothing about this machine
  apply_overrides(model.options, overrides);
  model.update = update_of(model.checkpoint);
  model.objective = make_objective(*model.config, Precision::fp32);
  load_weights(model.checkpoint, *model.objective);
  return model;
}

void check_vocabulary(const LoadedModel& model, const FolderSource& source) {
  if (source.texts) check_vocabulary(model.checkpoint, source.texts->vocabulary.hash);
}

std::unique_ptr<Objective> untrained_model(const LoadedModel& model) {
  return make_objective(*model.config, Precision::fp32);
}

}  // namespace d2v
