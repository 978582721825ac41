// d2v config: prints the effective configuration, or the differences between two.
#include <algorithm>
#include <cstdio>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"

namespace d2v {
namespace {

int print_config(const ParsedLine& line) {
  Config config;
  auto table = option_table(config);
  if (!line.positional.empty()) apply_source(table, line.positional[0]);
  apply_overrides(table, line.overrides);
  std::fputs(write_ini(table, line.has("comments") ? Comments::help : Comments::none).c_str(), stdout);
  return 0;
}

int print_differences(const std::string& a, const std::string& b) {
  Config left, right;
  auto left_table = option_table(left), right_table = option_table(right);
  apply_source(left_table, a);
  apply_source(right_table, b);
  const auto differences = diff(left_table, right_table);
  size_t key_width = 0, value_width = a.size();
  for (const Difference& d : differences) {
    key_width = std::max(key_width, d.key.size());
    value_width = std::max(value_width, d.a.size());
  }
  if (!differences.empty()) fmt::print("{:<{}}  {:<{}}  {}\n", "", key_width, a, value_width, b);
  for (const Difference& d : differences)
    fmt::print("{:<{}}  {:<{}}  {}\n", d.key, key_width, d.a, value_width, d.b);
  if (differences.empty()) fmt::print("no differences\n");
  return 0;
}

int run_config(const ParsedLine& line) {
  if (line.positional.empty() || line.positional[0] != "diff") {
    check<UsageError>(line.positional.size() <= 1, "d2v config: expected one recipe, found also '{}'",
                      line.positional.size() > 1 ? line.positional[1] : "");
    return print_config(line);
  }
  check<UsageError>(line.positional.size() == 3 && line.overrides.empty(),
                    "d2v config diff: expected two recipes, run folders or checkpoints and nothing else");
  return print_differences(line.positional[1], line.positional[2]);
}

}  // namespace

const Command& config_command() {
  static const Command command{
      .spec = {.name = "config",
               .usage = "[SOURCE] [--section.key VALUE]… | diff A B",
               .summary = "print the effective configuration, or the differences between two",
               .positional = {"SOURCE", "A", "B"},
               .min_positional = 0,
               .max_positional = 3,
               .options = {{"comments", "", "", "say above each option its range, default and meaning"}},
               .takes_config = true,
               .details = "SOURCE, A and B are recipes, run folders or checkpoints (.safetensors).\n"},
      .run = run_config};
  return command;
}

}  // namespace d2v
