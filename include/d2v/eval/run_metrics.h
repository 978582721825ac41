// What a run wrote into its metrics.jsonl: one JSON object per line, with "update" and whatever was measured then.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "d2v/eval/plots.h"

namespace d2v {

// A line in words: a warning, a stop, a resume.
struct RunNote {
  double update = -1;  // -1: not known
  std::string kind{};  // "warning", "error", …
  std::string text{};
  std::string time{};  // empty: not known
};

class RunMetrics {
 public:
  // Numbers of every line by name; lines that carry "note" become notes. Where a run was resumed some updates appear
  // twice: the later line counts. A last line cut by a kill is left out. Throws DataError where the file cannot be
  // read or another line is not JSON, naming the line.
  static RunMetrics read(const std::filesystem::path& metrics_jsonl);
  static RunMetrics parse(const std::string& text, const std::string& source);

  // Empty where nothing of that name was measured. Values that JSON cannot hold (null) are NaN.
  const Series& series(const std::string& name) const;
  std::optional<double> last(const std::string& name) const;  // the last finite value
  const std::vector<RunNote>& notes() const { return notes_; }
  double last_update() const { return last_update_; }

 private:
  std::map<std::string, Series> series_;
  std::vector<RunNote> notes_;
  double last_update_ = 0;
};

// Mean of the values over `points` equal stretches of [0, last update], at their middles; stretches without any
// finite value are left out. Calms a noisy curve without inventing points.
Series window_means(const Series& series, double last_update, int points);

}  // namespace d2v
