#include "d2v/eval/run_record.h"

#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/base/safetensors.h"
#include "d2v/train/checkpoint_files.h"

namespace d2v {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr uint64_t text_limit = uint64_t{1} << 28;

// Of run.log: "… d2v pretrain RECIPE (version 0.1.0)", and "2026-01-31 12:34:56 warning: text" with its time.
void read_log(const fs::path& file, std::string& command, std::vector<RunNote>& notes) {
  std::istringstream in(read_file(file, text_limit));
  for (std::string line; std::getline(in, line);) {
    const size_t start = line.find("d2v pretrain "), end = line.rfind(" (version ");
    if (command.empty() && start != std::string::npos && end != std::string::npos && end > start)
      command = line.substr(start, end - start);
    for (const std::string level : {"warning", "error"}) {
      const size_t at = line.find(" " + level + ": ");
      if (at == std::string::npos || at > 24) continue;
      notes.push_back({-1, level, line.substr(at + level.size() + 3), line.substr(0, at)});
    }
  }
}

json read_json(const fs::path& file) {
  json value = json::parse(read_file(file, text_limit), nullptr, false);
  check<DataError>(!value.is_discarded(),
                   "{} is not JSON; was it cut? Remove it, the next probe or report writes it anew",
                   file.string());
  return value;
}

void read_neighbours(const fs::path& folder, RunRecord& run) {
  const json all = read_json(folder / "neighbours.json");
  run.neighbours_command = all.value("command", "");
  for (const json& strip : all.value("strips", json::array())) {
    NeighbourStrip one{folder / strip.value("picture", ""), strip.value("class", ""), {}};
    if (!fs::exists(one.picture)) continue;
    for (const json& name : strip.value("neighbours", json::array())) one.neighbour_classes.push_back(name);
    run.neighbours.push_back(std::move(one));
  }
}

// Of the newest checkpoint that can be read.
std::string data_of(const fs::path& folder) {
  for (const CheckpointFile& file : list_checkpoints(folder)) {
    try {
      const SafetensorsReader reader(file.path);
      const auto found = reader.metadata().find("data");
      if (found != reader.metadata().end()) return found->second;
    } catch (const DataError&) {
      continue;  // whoever needs the weights says so
    }
  }
  return "";
}

}  // namespace

RunRecord read_run(const fs::path& folder) {
  check<DataError>(fs::is_directory(folder), "{} is not a run folder: there is no such folder",
                   folder.string());
  check<DataError>(fs::exists(folder / kConfigFile),
                   "{} is not a run folder: it has no {}; give the folder that "
                   "`d2v pretrain` wrote (run.dir)",
                   folder.string(), kConfigFile);
  RunRecord run;
  run.folder = folder;
  const fs::path whole = fs::weakly_canonical(folder);
  run.name = whole.filename().empty() ? whole.parent_path().filename().string() : whole.filename().string();
  run.config = std::make_unique<Config>();
  run.options = option_table(*run.config);
  apply_source(run.options, folder);
  run.data = data_of(folder);
  if (fs::exists(folder / "run.log")) read_log(folder / "run.log", run.command, run.notes);
  if (fs::exists(folder / "metrics.jsonl")) run.metrics = RunMetrics::read(folder / "metrics.jsonl");
  run.notes.insert(run.notes.end(), run.metrics.notes().begin(), run.metrics.notes().end());
  if (fs::exists(folder / "probe.json")) run.probe_json = read_file(folder / "probe.json", text_limit);
  if (fs::exists(folder / "masks.png")) run.masks = folder / "masks.png";
  if (fs::exists(folder / "neighbours" / "neighbours.json")) read_neighbours(folder / "neighbours", run);
  return run;
}

void add_warnings(RunRecord& run, const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) run.notes.push_back({-1, "warning", sentence, "this report"});
}

double planned_updates(const RunRecord& run) {
  const Length& length = run.config->run.updates;
  if (length.unit == Length::Unit::updates) return length.value;
  // Epochs: the size of one follows from any line of the metrics.
  const double update = run.metrics.last_update(), epoch = run.metrics.last("epoch").value_or(0);
  if (epoch <= 0 || length.unit != Length::Unit::epochs) return update;
  const double per_epoch = std::round(update / epoch);
  return length.value * per_epoch;
}

}  // namespace d2v
