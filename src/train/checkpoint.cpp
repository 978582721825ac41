#include "d2v/train/checkpoint.h"

#include <charconv>
#include <map>
#include <span>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/recipe.h"
#include "d2v/base/safetensors.h"
#include "d2v/base/version.h"
#include "d2v/train/checkpoint_files.h"
#include "stored_arena.h"

namespace d2v {
namespace {

constexpr const char* kFormat = "1";

int64_t counter(const SafetensorsReader& file, const std::string& key) {
  const auto entry = file.metadata().find(key);
  int64_t value = -1;
  if (entry != file.metadata().end()) {
    const std::string& text = entry->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) value = -1;
  }
  check<DataError>(
      value >= 0,
      "{} is no checkpoint to resume from: its metadata has no valid '{}'. Use init.from to start "
      "new training from weights alone",
      file.path().string(), key);
  return value;
}

uint64_t vocabulary_in(const SafetensorsReader& file) {
  const auto entry = file.metadata().find("vocabulary");
  if (entry == file.metadata().end()) return 0;
  const std::string& text = entry->second;
  uint64_t hash = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash, 16);
  check<DataError>(error == std::errc() && end == text.data() + text.size(),
                   "{}: its metadata has no valid 'vocabulary': expected a number in hexadecimal, found '{}'",
                   file.path().string(), text);
  return hash;
}

std::string ini_of(Config config) { return write_ini(option_table(config)); }

bool all_parameters(const Parameter&) { return true; }
bool in_teacher(const Parameter& p) { return p.teacher != TeacherRule::absent; }
bool trainable(const Parameter& p) { return p.trainable; }

// Copies in the host's memory of what lies on a GPU.
std::vector<StoredArena> on_host(std::vector<StoredArena> arenas) {
  for (StoredArena& a : arenas) a.arena = a.arena.cpu();
  return arenas;
}

std::vector<StoredArena> weights_of(Objective& objective) {
  std::vector<StoredArena> out{{"", objective.weights(), all_parameters}};
  if (objective.teacher().defined()) out.push_back({"teacher.", objective.teacher(), in_teacher});
  return out;
}

std::vector<StoredArena> everything_of(Objective& objective, const AdamState& adam) {
  std::vector<StoredArena> out = weights_of(objective);
  out.push_back({"adam.first.", adam.first, trainable});
  out.push_back({"adam.second.", adam.second, trainable});
  return out;
}

bool is_positions(const Parameter& p) {
  return p.name.ends_with("positions") && p.shape.size() == 3 && p.shape[0] == 1;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Config& config, Objective& objective,
                     const TrainingState& state) {
  const auto arenas = on_host(everything_of(objective, state.adam));
  std::map<std::string, std::string> metadata{{kConfigMetadata, ini_of(config)},
                                              {"format_version", kFormat},
                                              {"program_version", kVersion},
                                              {"update", std::to_string(state.update)},
                                              {"samples_seen", std::to_string(state.samples_seen)},
                                              {"adam_steps", std::to_string(steps_of(state.adam))},
                                              {"skipped_in_a_row", std::to_string(state.skipped_in_a_row)},
                                              {"data", state.data}};
  if (state.vocabulary != 0) metadata["vocabulary"] = fmt::format("{:016x}", state.vocabulary);
  write_safetensors(path, tensors_of(objective.layout(), arenas), metadata);
}

void load_checkpoint(const std::filesystem::path& path, Objective& objective, TrainingState& state) {
  const SafetensorsReader file(path);
  const auto version = file.metadata().find("format_version");
  check<DataError>(version != file.metadata().end() && version->second == kFormat,
                   "{} has checkpoint format {}, this program reads {}: continue the run with the program "
                   "that wrote it, or "
                   "start new training from its weights with init.from",
                   path.string(), version == file.metadata().end() ? "(none)" : version->second, kFormat);
  TrainingState loaded(objective.layout());
  loaded.adam = AdamState(objective.layout(), objective.weights().device());
  loaded.update = counter(file, "update");
  loaded.samples_seen = counter(file, "samples_seen");
  loaded.skipped_in_a_row = counter(file, "skipped_in_a_row");
  set_steps(loaded.adam, counter(file, "adam_steps"));
  const auto data = file.metadata().find("data");
  if (data != file.metadata().end()) loaded.data = data->second;
  loaded.vocabulary = vocabulary_in(file);

  const auto arenas = everything_of(objective, loaded.adam);
  check_fit(file, objective.layout(), arenas, Strictness::exact);
  copy_into(file, objective.layout(), arenas);
  objective.weights_changed();
  state = std::move(loaded);
}

uint64_t vocabulary_of(const std::filesystem::path& checkpoint) {
  return vocabulary_in(SafetensorsReader(checkpoint));
}

void check_vocabulary(const std::filesystem::path& checkpoint, uint64_t vocabulary) {
  if (vocabulary == 0) return;
  const uint64_t trained = vocabulary_of(checkpoint);
  check<DataError>(
      trained == 0 || trained == vocabulary,
      "{} was trained with another vocabulary: expected {:016x}, found {:016x}. Give the one of its "
      "training (text.vocabulary, or a token file that was made with it); sizes may be equal and "
      "tokens still mean different words",
      checkpoint.string(), trained, vocabulary);
}

void load_weights(const std::filesystem::path& path, Objective& objective) {
  const SafetensorsReader file(path);
  const auto arenas = weights_of(objective);
  check_fit(file, objective.layout(), arenas, Strictness::moments_may_follow);
  copy_into(file, objective.layout(), arenas);
  objective.weights_changed();
}

void init_weights(const InitConfig& init, Objective& objective) {
  const SafetensorsReader file(find_checkpoint(init.from));
  const ParameterLayout& layout = objective.layout();
  const auto not_positions = [](const Parameter& p) { return !is_positions(p); };
  const bool from_student = init.teacher == InitTeacher::student;
  const bool has_teacher = objective.teacher().defined();
  std::string teacher_prefix;
  if (!from_student) teacher_prefix = "teacher.";
  std::vector<StoredArena> arenas{{"", objective.weights(), not_positions}};
  if (has_teacher) {
    const auto stored = [=](const Parameter& p) { return in_teacher(p) && not_positions(p); };
    arenas.emplace_back(teacher_prefix, objective.teacher(), stored);
  }
  check_fit(file, layout, arenas, Strictness::others_may_follow);
  // Learned positions: check and interpolate all of them before anything is changed.
  std::vector<std::pair<at::Tensor, at::Tensor>> positions;
  for (const Parameter& p : layout.all()) {
    if (!is_positions(p) || !p.trainable) continue;
    positions.emplace_back(view_of(objective.weights(), p), interpolated(file, p.name, p.shape));
    if (!has_teacher || !in_teacher(p)) continue;
    positions.emplace_back(view_of(objective.teacher(), p),
                           interpolated(file, teacher_prefix + p.name, p.shape));
  }
  copy_into(file, layout, arenas);
  for (const auto& [target, value] : positions) target.copy_(value);
  objective.weights_changed();
}

}  // namespace d2v
