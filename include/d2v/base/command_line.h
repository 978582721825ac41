// The one grammar of sub-commands: d2v COMMAND positional… --own VALUE --section.key VALUE.
//
// `--key VALUE` and `--key=VALUE` mean the same, options may stand anywhere, `--` ends them, `--help` wins
// over everything else. Parsed with Boost.Program_options.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "d2v/base/options.h"
#include "d2v/base/recipe.h"

namespace d2v {

// An option of one command, beside those of the configuration.
struct CommandOption {
  std::string name;          // without the dashes
  std::string argument;      // what help calls its value, such as DIR; empty: a flag
  std::string default_text;  // empty: none
  std::string help;
};

struct CommandSpec {
  std::string name;
  std::string usage;    // what follows `d2v NAME` in help: "RECIPE [--section.key VALUE]…"
  std::string summary;  // one sentence
  std::vector<std::string> positional = {};  // names for messages, in order; the last may repeat
  size_t min_positional = 0;
  size_t max_positional = 0;
  std::vector<CommandOption> options = {};
  bool takes_config = false;  // every option of the configuration is an option of this command
  std::string details = {};   // further paragraphs of the help, as they are
};

struct ParsedLine {
  std::vector<std::string> positional;
  std::map<std::string, std::string> values;  // own options that were given; flags have the value "yes"
  std::vector<Override> overrides;            // of the configuration, in order
  bool help = false;

  bool has(const std::string& name) const { return values.contains(name); }
  // The value given, or the fallback.
  std::string text(const std::string& name, const std::string& fallback = "") const;
  // Throws UsageError naming the option unless the value is a number in the range.
  int64_t integer(const std::string& name, int64_t fallback, Range range = any_value) const;
  double number(const std::string& name, double fallback, Range range = any_value) const;
};

// `arguments` are those after the command's name; `config` is the table for takes_config (values are not
// touched). Own options with a default have it in `values`. Throws UsageError: unknown option (with the
// nearest), option without its value or flag with one, too few or too many positional arguments.
ParsedLine parse_line(const CommandSpec& spec, std::span<const std::string> arguments,
                      std::span<const Option> config);

// The text of --help: usage, own options, and for takes_config every key with range, default and meaning.
std::string help_text(const CommandSpec& spec, std::span<const Option> config, size_t width);

// Columns of the terminal on standard output, within 60 to 120; 100 when it is not one. $COLUMNS wins.
size_t terminal_width();

}  // namespace d2v
