#include "d2v/eval/run_conditions.h"

#include <algorithm>
#include <array>
#include <map>

#include "d2v/base/check.h"
#include "d2v/train/run_folder.h"

namespace d2v {

namespace {

constexpr std::string_view data_word = "data: ", settings_word = "settings ";
constexpr size_t most_named = 5;

bool of_other_model(const std::string& section, const ModelConfig& model) {
  static constexpr std::array<std::string_view, 4> modalities{"image", "speech", "text", "spectrogram"};
  static constexpr std::array<std::string_view, 2> objectives{"data2vec1", "mae"};
  const auto among = [&](const auto& names) {
    return std::find(names.begin(), names.end(), section) != names.end();
  };
  return (among(modalities) && section != name_of(model.modality)) ||
         (among(objectives) && section != name_of(model.objective));
}

bool counts(const std::string& key, const ModelConfig& model) {
  static constexpr std::array<std::string_view, 5> without{"run.seed", "run.updates", "run.precision",
                                                           "run.accumulate", "data.valid"};
  return !may_change(key) && std::find(without.begin(), without.end(), key) == without.end() &&
         !of_other_model(key.substr(0, key.find('.')), model);
}

std::map<std::string, std::string> defaults() {
  Config config;
  std::map<std::string, std::string> out;
  for (const Option& option : option_table(config)) out[option.key] = option.get();
  return out;
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

RunConditions run_conditions(const Config& config, std::string data) {
  RunConditions out{std::move(data), {}};
  Config copy = config;
  for (const Option& option : option_table(copy))
    if (counts(option.key, config.model)) out.settings.emplace_back(option.key, option.get());
  out.settings.emplace_back("init.from", config.init.from.empty() ? "" : "given");
  return out;
}

std::vector<std::string> condition_lines(const RunConditions& conditions) {
  std::vector<std::string> lines;
  if (!conditions.data.empty()) lines.push_back(std::string(data_word) + conditions.data);
  std::string last;
  for (const auto& [key, value] : conditions.settings) {
    const std::string section = key.substr(0, key.find('.')), name = key.substr(key.find('.') + 1);
    if (section != last) lines.push_back(fmt::format("{}{}: ", settings_word, section));
    lines.back() +=
        fmt::format("{}{} ={}{}", section == last ? "; " : "", name, value.empty() ? "" : " ", value);
    last = section;
  }
  return lines;
}

bool read_condition_line(const std::string& line, RunConditions& conditions) {
  if (line.starts_with(data_word)) {
    conditions.data = trimmed(line.substr(data_word.size()));
    return true;
  }
  const size_t colon = line.find(": ");
  if (!line.starts_with(settings_word) || colon == std::string::npos) return false;
  const std::string section = line.substr(settings_word.size(), colon - settings_word.size());
  for (size_t at = colon + 2; at < line.size();) {
    const size_t end = std::min(line.find("; ", at), line.size());
    const std::string one = line.substr(at, end - at);
    const size_t equals = one.find(" =");
    check<DataError>(equals != std::string::npos && equals > 0,
                     "settings of section {}: expected 'name = value', found '{}'", section, one);
    conditions.settings.emplace_back(section + "." + one.substr(0, equals), trimmed(one.substr(equals + 2)));
    at = end + 2;
  }
  return true;
}

std::string conditions_differ(const RunConditions& curve, const RunConditions& run) {
  if (!curve.data.empty() && curve.data != run.data)
    return run.data.empty() ? "the run's data are not known before its first checkpoint"
                            : fmt::format("other data: {} (the curve: {})", run.data, curve.data);
  if (curve.settings.empty()) return "";
  const std::map<std::string, std::string> named(curve.settings.begin(), curve.settings.end());
  const std::map<std::string, std::string> unnamed = defaults();
  std::string words;
  size_t count = 0;
  for (const auto& [key, value] : run.settings) {
    const auto found = named.find(key);
    const std::string wanted = found != named.end()    ? found->second
                               : unnamed.contains(key) ? unnamed.at(key)
                                                       : value;
    if (value == wanted) continue;
    if (++count <= most_named)
      words += fmt::format("{}{} = {} (the curve: {})", count > 1 ? ", " : "", key, value, wanted);
  }
  if (count == 0) return "";
  if (count > most_named) words += fmt::format(" and {} more", count - most_named);
  return "other settings: " + words;
}

}  // namespace d2v
