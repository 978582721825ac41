#include "command_text.h"

namespace d2v {

namespace {

void append_word(std::string& text, const std::string& word) {
  text.push_back(' ');
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_./:=,+%@-") == std::string::npos;
  if (plain) {
    text.append(word);
    return;
  }
  text.push_back('\'');
  for (const char c : word) {
    if (c == '\'')
      text.append("'\\''");
    else
      text.push_back(c);
  }
  text.push_back('\'');
}

}  // namespace

std::string command_text(const CommandSpec& spec, const ParsedLine& line) {
  std::string text("d2v ");
  text.append(spec.name);
  for (const std::string& word : line.positional) append_word(text, word);
  for (const CommandOption& option : spec.options) {
    if (!line.has(option.name) || line.text(option.name) == option.default_text) continue;
    text.append(" --").append(option.name);
    if (!option.argument.empty()) append_word(text, line.text(option.name));
  }
  for (const Override& one : line.overrides) {
    text.append(" --").append(one.key);
    append_word(text, one.value);
  }
  return text;
}

}  // namespace d2v
