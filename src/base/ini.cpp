#include "ini.h"

#include <charconv>
#include <sstream>

#include <boost/program_options.hpp>

#include "d2v/base/check.h"

namespace d2v::ini {
namespace {

namespace po = boost::program_options;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// The line without its comment; '#' inside quotes becomes \x23, since Boost cuts at any '#'.
std::string strip_comment(std::string_view line) {
  std::string result;
  bool quoted = false;
  const size_t value_at = line.find_first_not_of(" \t", std::min(line.find('='), line.size() - 1) + 1);
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && (quoted || i == value_at)) quoted = !quoted;
    if (c == '#' && !quoted) break;
    if (c == '#') {
      result += "\\x23";
    } else {
      result += c;
      if (c == '\\' && quoted && i + 1 < line.size() && line[i + 1] != '#') result += line[++i];
    }
  }
  return result;
}

// A value that starts with a quote: without the quotes, escapes resolved.
std::string unquote(std::string_view value, const std::string& where) {
  if (!value.starts_with('"')) return std::string(value);
  std::string result;
  size_t i = 1;
  for (; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] != '\\') {
      result += value[i];
      continue;
    }
    const std::string_view rest = value.substr(i + 1);
    unsigned char code = 0;
    if (rest.starts_with('"') || rest.starts_with('\\')) {
      result += rest[0];
      i += 1;
    } else if (rest.size() >= 3 && rest[0] == 'x' &&
               std::from_chars(rest.data() + 1, rest.data() + 3, code, 16).ptr == rest.data() + 3) {
      result += static_cast<char>(code);
      i += 3;
    } else {
      fail<UsageError>("{}: expected \\\", \\\\ or \\xHH after a backslash in quotes, found {}", where,
                       value);
    }
  }
  check<UsageError>(i + 1 == value.size(), "{}: expected one closing quote at the end of the value, found {}",
                    where, value);
  return result;
}

}  // namespace

std::vector<Entry> parse(std::string_view text, const std::string& source) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::string clean;
  std::vector<int> lines;  // of each entry, in the order in which Boost finds them
  bool in_section = false;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::string_view raw = trim(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    check<UsageError>(raw.find('\0') == raw.npos, "{}:{}: expected a text file, found a zero byte", source,
                      line);
    const std::string stripped = raw.empty() ? "" : strip_comment(raw);
    const std::string_view content = trim(stripped);
    if (content.empty()) continue;
    if (content.starts_with('[')) {
      check<UsageError>(content.size() > 2 && content.find(']') == content.size() - 1,
                        "{}:{}: expected [section], found '{}'", source, line, content);
      in_section = true;
    } else {
      const size_t equals = content.find('=');
      check<UsageError>(equals != content.npos && !trim(content.substr(0, equals)).empty(),
                        "{}:{}: expected 'key = value' or '[section]', found '{}'", source, line, content);
      check<UsageError>(in_section || content.substr(0, equals).find('.') != content.npos,
                        "{}:{}: expected a [section] before the first key, found '{}'", source, line,
                        content);
      lines.push_back(line);
    }
    clean.append(content).append("\n");
  }

  std::vector<Entry> entries;
  try {
    std::istringstream stream(clean);
    const auto parsed = po::parse_config_file(stream, po::options_description(), /*allow_unregistered=*/true);
    check(parsed.options.size() == lines.size(), "{}: expected {} keys, found {}", source, lines.size(),
          parsed.options.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      const po::option& option = parsed.options[i];
      const std::string where = fmt::format("{}:{}", source, lines[i]);
      const std::string_view value = option.value.empty() ? std::string_view() : trim(option.value[0]);
      entries.push_back({option.string_key, unquote(value, where), lines[i]});
    }
  } catch (const po::error& error) {
    fail<UsageError>("{}: {}", source, error.what());
  }
  return entries;
}

std::string quote(std::string_view value) {
  bool plain = trim(value) == value;
  for (char c : value) plain = plain && c != '#' && c != '"';
  if (plain) return std::string(value);
  std::string result = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace d2v::ini
