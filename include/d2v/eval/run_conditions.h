// What a loss curve depends on beside the seed: the data and the settings. Curves of other conditions do not compare.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "d2v/base/config.h"

namespace d2v {

struct RunConditions {
  std::string data;  // source_identity of the training samples, no path in it; empty: not known
  std::vector<std::pair<std::string, std::string>> settings;  // key and value as in a recipe
};

// Every option that changes a run's results by more than rounding, but the seed and the length: not what may change between two
// sessions of a run (run_folder.h), not precision and accumulation, no paths (`data` stands for them), no sections of other
// modalities and objectives. Of init.from only that it was given.
RunConditions run_conditions(const Config& config, std::string data);

// Comment lines of a reference curve: "data: 6541 pictures, …" and, per section, "settings mask: kind = …; prob = …".
std::vector<std::string> condition_lines(const RunConditions& conditions);

// Takes such a line into `conditions`; false: it is none. Throws DataError where settings are not "name = value".
bool read_condition_line(const std::string& line, RunConditions& conditions);

// In words, how a run differs from the conditions of a curve: "other data: …" or "other settings: mask.prob = 0.9 (the curve:
// 0.75)"; empty: it does not. Settings that the curve does not name had their defaults; a curve without any conditions, as
// written by older versions, differs from none. Data that are not known for the run differ from known ones.
std::string conditions_differ(const RunConditions& curve, const RunConditions& run);

}  // namespace d2v
