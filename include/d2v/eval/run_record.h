// What a run folder tells a reader: configuration, metrics, probe, pictures. Files that are not there yet are left out.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/eval/reference_curve.h"
#include "d2v/eval/run_metrics.h"

namespace d2v {

// A row of pictures: a query and its neighbours, as one PNG.
struct NeighbourStrip {
  std::filesystem::path picture;
  std::string query_class;
  std::vector<std::string> neighbour_classes;
};

struct RunRecord {
  std::filesystem::path folder;
  std::string name;                        // of the folder
  std::unique_ptr<Config> config;          // from config.ini
  std::vector<Option> options;             // bound to it
  std::string data;                        // source_identity, from its newest checkpoint; or empty
  std::string command;                     // that started the run, from run.log; or empty
  RunMetrics metrics;                      // from metrics.jsonl; empty where there is none
  std::vector<RunNote> notes;              // warnings and errors of run.log, notes of metrics.jsonl
  std::string probe_json;                  // probe.json, or empty
  std::filesystem::path masks;             // masks.png, or empty
  std::vector<NeighbourStrip> neighbours;  // neighbours/neighbours.json, or empty
  std::string neighbours_command;
  std::optional<ReferenceCurve> reference;
};

// Throws DataError where the folder is none, or holds no config.ini: then it is not a run.
RunRecord read_run(const std::filesystem::path& folder);

// Puts sentences about this report itself among the run's notes.
void add_warnings(RunRecord& run, const std::vector<std::string>& sentences);

// The length of the run in updates: what it planned as far as the configuration and its metrics tell.
double planned_updates(const RunRecord& run);

}  // namespace d2v
