#include "d2v/base/command_line.h"

#include <algorithm>

#include <boost/program_options.hpp>

#include "d2v/base/check.h"
#include "d2v/base/nearest.h"

namespace d2v {
namespace {

namespace po = boost::program_options;

constexpr const char* kHelp = "help";

std::vector<std::string> names_of(const CommandSpec& spec, std::span<const Option> config) {
  std::vector<std::string> names{kHelp};
  for (const CommandOption& option : spec.options) names.push_back(option.name);
  if (spec.takes_config)
    for (const Option& option : config) names.push_back(option.key);
  return names;
}

void check_positional(const CommandSpec& spec, const std::vector<std::string>& found) {
  if (found.size() < spec.min_positional) {
    const std::string name =
        found.size() < spec.positional.size() ? spec.positional[found.size()] : "argument";
    fail<UsageError>("d2v {}: expected {}, found nothing; usage: d2v {} {}", spec.name, name, spec.name,
                     spec.usage);
  }
  if (found.size() > spec.max_positional) {
    fail<UsageError>("d2v {}: expected {} argument{} at most, found also '{}'; usage: d2v {} {}", spec.name,
                     spec.max_positional, spec.max_positional == 1 ? "" : "s", found[spec.max_positional],
                     spec.name, spec.usage);
  }
}

// Reads one own value through the same code as the configuration's.
template <class T>
T read_value(const ParsedLine& line, const std::string& name, T fallback, Range range) {
  const auto found = line.values.find(name);
  if (found == line.values.end()) return fallback;
  detail::make_option("--" + name, fallback, range, "").set(found->second);
  return fallback;
}

}  // namespace

std::string ParsedLine::text(const std::string& name, const std::string& fallback) const {
  const auto found = values.find(name);
  return found == values.end() ? fallback : found->second;
}

int64_t ParsedLine::integer(const std::string& name, int64_t fallback, Range range) const {
  return read_value(*this, name, fallback, range);
}

double ParsedLine::number(const std::string& name, double fallback, Range range) const {
  return read_value(*this, name, fallback, range);
}

ParsedLine parse_line(const CommandSpec& spec, std::span<const std::string> arguments,
                      std::span<const Option> config) {
  ParsedLine line;
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  line.help = std::find_if(arguments.begin(), end,
                           [](const std::string& a) { return a == "--help" || a == "-h"; }) != end;
  if (line.help) return line;

  po::options_description known;
  for (const CommandOption& option : spec.options) {
    if (option.argument.empty()) {
      known.add_options()(option.name.c_str(), "");
    } else {
      known.add_options()(option.name.c_str(), po::value<std::string>(), "");
      if (!option.default_text.empty()) line.values[option.name] = option.default_text;
    }
  }
  if (spec.takes_config)
    for (const Option& option : config) known.add_options()(option.key.c_str(), po::value<std::string>(), "");

  // No short options, so that a value may start with a dash; no guessing, so that a prefix is not taken for a
  // key.
  const int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                    po::command_line_style::long_allow_next;
  std::vector<std::string> words;
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    if (word < end && word->starts_with("--") &&
        word->find('=') == word->size() - 1) {  // Boost refuses `--key=`
      words.insert(words.end(), {word->substr(0, word->size() - 1), ""});
    } else {
      words.push_back(*word);
    }
  }
  const std::vector<std::string> names = names_of(spec, config);
  try {
    const auto parsed = po::command_line_parser(words).options(known).style(style).run();
    for (const po::option& option : parsed.options) {
      if (option.position_key >= 0 || option.string_key.empty()) {
        for (const std::string& word : option.value) line.positional.push_back(word);
        continue;
      }
      const std::string value = option.value.empty() ? "yes" : option.value[0];
      check<UsageError>(option.original_tokens.size() < 2 || !value.starts_with("--") ||
                            std::find(names.begin(), names.end(), value.substr(2)) == names.end(),
                        "d2v {}: expected a value after --{}, found the option {}", spec.name,
                        option.string_key, value);
      const bool own = std::any_of(spec.options.begin(), spec.options.end(),
                                   [&](const CommandOption& o) { return o.name == option.string_key; });
      if (own) {
        line.values[option.string_key] = value;
      } else {
        line.overrides.push_back({option.string_key, value});
      }
    }
  } catch (const po::unknown_option& error) {
    std::string name = error.get_option_name();
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    name.erase(std::min(name.find('='), name.size()));
    const std::string near = suggestion(name, names);
    fail<UsageError>("d2v {}: unknown option '--{}'{}", spec.name, name,
                     near.empty() ? "; `d2v " + spec.name + " --help` lists all" : near);
  } catch (const po::error& error) {
    fail<UsageError>("d2v {}: {}", spec.name, error.what());
  }
  for (const std::string& word : line.positional)
    check<UsageError>(word.size() < 2 || word[0] != '-' || end != arguments.end(),
                      "d2v {}: unknown option '{}'; `d2v {} --help` lists all", spec.name, word, spec.name);
  check_positional(spec, line.positional);
  return line;
}

}  // namespace d2v
