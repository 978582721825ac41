#include "inspect_data.h"

#include <algorithm>
#include <filesystem>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/guess_modality.h"
#include "d2v/pipeline/inspect_data.h"
#include "d2v/pipeline/mixed_source.h"

namespace d2v {

namespace {

// PATH:0.7, PATH:0.3 rather than one path.
bool names_sources(const std::string& text) {
  if (std::filesystem::exists(text)) return false;
  try {
    return !parse_sources(text).empty();
  } catch (const UsageError&) {
    return false;
  }
}

}  // namespace

int run_inspect_data(const ParsedLine& line) {
  Config config;
  auto table = option_table(config);
  const bool recipe = line.positional.size() > 2;
  if (recipe) apply_source(table, line.positional[2]);
  apply_overrides(table, line.overrides);
  const bool mix = names_sources(line.positional[1]);
  (mix ? config.data.sources : config.data.path) = line.positional[1];
  (mix ? config.data.path : config.data.sources).clear();
  const bool told = recipe || std::any_of(line.overrides.begin(), line.overrides.end(),
                                          [](const Override& one) { return one.key == "model.modality"; });
  if (!told)
    config.model.modality =
        guess_modality(mix ? parse_sources(config.data.sources).front().path : config.data.path);
  const DataReport report =
      inspect_data(config, {.decode = line.integer("sample", 2000, at_least(1)),
                            .all = line.has("all"),
                            .loader_seconds = line.number("seconds", 3, Range{0, 3600})});
  const bool json_only = line.text("json") == "-";
  fmt::print("{}", json_only ? report_json(report) : report_text(report));
  if (line.has("json") && !json_only) write_file(line.text("json"), report_json(report));
  return 0;
}

}  // namespace d2v
