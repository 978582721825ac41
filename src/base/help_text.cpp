// Layout of --help.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include <sys/ioctl.h>

#include "d2v/base/check.h"
#include "d2v/base/command_line.h"

namespace d2v {
namespace {

// Words of `text` in lines of at most `width` columns, all but the first line indented.
std::string wrap(const std::string& text, size_t indent, size_t width, size_t column) {
  std::string result;
  size_t at = 0;
  bool first = true;
  while (at < text.size()) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const size_t length = end - at;
    if (!first && column + 1 + length > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
      first = true;
    }
    if (!first) {
      result += ' ';
      ++column;
    }
    result.append(text, at, length);
    column += length;
    first = false;
    at = end + 1;
  }
  return result;
}

constexpr size_t kColumn = 34;  // where the meanings start

std::string row(const std::string& left, const std::string& right, size_t width) {
  std::string line = "  " + left;
  if (line.size() + 2 > kColumn) {
    line += '\n' + std::string(kColumn, ' ');
  } else {
    line.resize(kColumn, ' ');
  }
  return line + wrap(right, kColumn, width, kColumn) + '\n';
}

// "a | b; default a" and the like, in brackets after the meaning.
std::string facts(const Option& option) {
  constexpr size_t kLongWord = 30;
  std::string text = option.type;
  if (text.size() > kLongWord) {  // many choices: let the line break between them
    for (size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 3))
      text.replace(at, 1, " | ");
  }
  if (!option.range.empty()) text += ", " + option.range;
  return text + "; default " + (option.default_text.empty() ? "empty" : option.default_text);
}

}  // namespace

std::string help_text(const CommandSpec& spec, std::span<const Option> config, size_t width) {
  std::string text =
      wrap("d2v " + spec.name + ": " + spec.summary, 0, width, 0) + "\n\nUsage: d2v " + spec.name;
  if (!spec.usage.empty()) text += ' ' + spec.usage;
  text += '\n';
  if (!spec.details.empty()) text += '\n' + spec.details + (spec.details.ends_with('\n') ? "" : "\n");
  text += "\nOptions:\n";
  for (const CommandOption& option : spec.options) {
    const std::string name = "--" + option.name + (option.argument.empty() ? "" : " " + option.argument);
    text +=
        row(name, option.help + (option.default_text.empty() ? "" : " (default " + option.default_text + ")"),
            width);
  }
  text += row("--help", "this text", width);
  if (!spec.takes_config) return text;
  text += "\n" +
          wrap(
              "Configuration, from the recipe ([section], key = value) or here (--section.key VALUE). "
              "A length is a number of updates (20000), epochs (10ep) or a share of the run (5%).",
              0, width, 0) +
          "\n";
  std::string section;
  for (const Option& option : config) {
    const std::string own = option.key.substr(0, option.key.rfind('.'));
    if (own != section) text += "\n[" + own + "]\n";
    section = own;
    text += row("--" + option.key, option.help + " (" + facts(option) + ")", width);
  }
  return text;
}

size_t terminal_width() {
  size_t columns = 0;
  if (const char* set = std::getenv("COLUMNS")) std::from_chars(set, set + std::strlen(set), columns);
  winsize size{};
  if (columns == 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? 100 : std::clamp<size_t>(columns, 60, 120);
}

}  // namespace d2v
