#include "d2v/eval/run_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/file.h"

namespace d2v {

namespace {

using nlohmann::json;

struct Line {
  double update = 0;
  json values;
};

// Lines in the order of their updates; of several lines of one kind at one update the last stays.
std::vector<Line> read_lines(const std::string& text, const std::string& source) {
  std::vector<Line> lines;
  std::istringstream in(text);
  int64_t number = 0;
  for (std::string row; std::getline(in, row);) {
    ++number;
    if (row.empty()) continue;
    json values = json::parse(row, nullptr, false);
    if (values.is_discarded() && in.eof()) break;  // cut by a kill: no newline at its end
    check<DataError>(values.is_object(), "{}, line {}: not a JSON object; was the file edited?", source,
                     number);
    const double update = values.value("update", 0.0);
    // A resumed run repeats updates that were logged after its checkpoint: what was written there before is void.
    while (!lines.empty() && lines.back().update > update) lines.pop_back();
    lines.push_back({update, std::move(values)});
  }
  return lines;
}

}  // namespace

RunMetrics RunMetrics::read(const std::filesystem::path& metrics_jsonl) {
  return parse(read_file(metrics_jsonl, uint64_t{4} << 30), metrics_jsonl.string());
}

RunMetrics RunMetrics::parse(const std::string& text, const std::string& source) {
  RunMetrics result;
  for (const Line& line : read_lines(text, source)) {
    result.last_update_ = std::max(result.last_update_, line.update);
    if (line.values.contains("note") && line.values["note"].is_string())
      result.notes_.push_back({line.update, line.values.value("kind", "note"), line.values["note"], ""});
    for (const auto& [name, value] : line.values.items()) {
      if (name == "update" || !(value.is_number() || value.is_null())) continue;
      const double number = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
      Series& series = result.series_[name];
      if (!series.empty() && series.update.back() == line.update) {
        series.value.back() = number;
      } else {
        series.update.push_back(line.update);
        series.value.push_back(number);
      }
    }
  }
  return result;
}

const Series& RunMetrics::series(const std::string& name) const {
  static const Series none;
  const auto found = series_.find(name);
  return found == series_.end() ? none : found->second;
}

std::optional<double> RunMetrics::last(const std::string& name) const {
  const Series& all = series(name);
  for (size_t i = all.value.size(); i-- > 0;)
    if (std::isfinite(all.value[i])) return all.value[i];
  return std::nullopt;
}

Series window_means(const Series& series, double last_update, int points) {
  Series result;
  if (series.empty() || last_update <= 0) return result;
  size_t at = 0;
  for (int p = 0; p < points; ++p) {
    const double end = last_update * (p + 1) / points;
    double sum = 0;
    int64_t count = 0;
    for (; at < series.update.size() && series.update[at] <= end; ++at)
      if (std::isfinite(series.value[at])) sum += series.value[at], ++count;
    if (count == 0) continue;
    result.update.push_back(last_update * (p + 0.5) / points);
    result.value.push_back(sum / static_cast<double>(count));
  }
  return result;
}

}  // namespace d2v
