#include "d2v/eval/bench_report.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/eval/run_conditions.h"

namespace d2v {

namespace {

constexpr int bench_format = 1;
constexpr size_t most_keys_named = 5;

std::map<std::string, std::string> option_defaults() {
  Config config;
  std::map<std::string, std::string> out;
  for (const Option& option : option_table(config)) out[option.key] = option.get();
  return out;
}

// "mask.prob = 0.8 before, 0.75 now", …
std::vector<std::string> differing_settings(const BenchReport& before, const BenchReport& after) {
  const auto defaults = option_defaults();
  const auto value = [&](const BenchReport& report, const std::string& key) -> std::string {
    if (const auto found = report.settings.find(key); found != report.settings.end()) return found->second;
    const auto found = defaults.find(key);
    return found == defaults.end() ? "" : found->second;
  };
  std::set<std::string> keys;
  for (const BenchReport* report : {&before, &after})
    for (const auto& [key, unused] : report->settings) keys.insert(key);
  std::vector<std::string> out;
  for (const std::string& key : keys)
    if (const std::string a = value(before, key), b = value(after, key); a != b)
      out.push_back(fmt::format("{} = '{}' before, '{}' now", key, a, b));
  return out;
}

std::string figure_text(double value) {
  const double size = std::abs(value);
  return size >= 1000 ? fmt::format("{:.0f}", value)
         : size >= 10 ? fmt::format("{:.1f}", value)
                      : fmt::format("{:.4g}", value);
}

}  // namespace

std::map<std::string, std::string> bench_settings(const Config& config, const std::string& section) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : run_conditions(config, "").settings)
    if (key.starts_with(section)) out[key] = value;
  return out;
}

std::string bench_json(const BenchReport& report) {
  nlohmann::ordered_json figures = nlohmann::ordered_json::array();
  for (const BenchFigure& figure : report.figures)
    figures.push_back({{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}});
  nlohmann::ordered_json json{
      {"bench", report.bench}, {"format", bench_format}, {"settings", report.settings}, {"figures", figures}};
  if (!report.details.empty()) json["details"] = nlohmann::ordered_json::parse(report.details);
  return json.dump(2) + "\n";
}

BenchReport read_bench(const std::string& text, const std::string& source) {
  try {
    const auto json = nlohmann::ordered_json::parse(text);
    check<DataError>(json.at("format") == bench_format,
                     "{}: expected format {} of a benchmark's report, found {}: measure again", source,
                     bench_format, json.at("format").dump());
    BenchReport out{.bench = json.at("bench"), .settings = json.at("settings"), .figures = {}};
    for (const auto& figure : json.at("figures"))
      out.figures.push_back({figure.at("name"), figure.at("value"), figure.at("unit")});
    if (json.contains("details")) out.details = json.at("details").dump();
    return out;
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("{}: expected what `d2v bench … --json FILE` wrote; {}", source, error.what());
  }
}

std::string compare_benches(const BenchReport& before, const BenchReport& after) {
  check<UsageError>(before.bench == after.bench,
                    "the earlier report is of d2v bench {}, this one of d2v bench {}: they do not compare",
                    before.bench, after.bench);
  const std::vector<std::string> differing = differing_settings(before, after);
  const size_t named = std::min(differing.size(), most_keys_named);
  check<UsageError>(
      differing.empty(), "the earlier report was measured with other settings: {}{}",
      fmt::join(differing.begin(), differing.begin() + static_cast<std::ptrdiff_t>(named), "; "),
      differing.size() > named ? fmt::format("; and {} more", differing.size() - named) : "");
  std::string out =
      fmt::format("  {:<44} {:>10} {:>10} {:>8}\n", "before and after", "before", "after", "ratio");
  for (const BenchFigure& figure : after.figures) {
    const auto old = std::find_if(before.figures.begin(), before.figures.end(),
                                  [&](const BenchFigure& f) { return f.name == figure.name; });
    if (old == before.figures.end()) continue;
    const std::string name = figure.unit.empty() ? figure.name : figure.name + ", " + figure.unit;
    const std::string ratio = old->value == 0 ? "-" : fmt::format("{:.3f}", figure.value / old->value);
    out += fmt::format("  {:<44} {:>10} {:>10} {:>8}\n", name, figure_text(old->value),
                       figure_text(figure.value), ratio);
  }
  return out;
}

}  // namespace d2v
