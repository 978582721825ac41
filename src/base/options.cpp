#include "d2v/base/options.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "d2v/base/check.h"
#include "d2v/base/nearest.h"

namespace d2v {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<double> read_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

// Plain or scientific (1e5), as long as the value is a whole number.
std::optional<int64_t> read_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  const auto real = read_double(text);
  if (!real || *real != std::floor(*real) || std::abs(*real) > 0x1p53) return {};
  return static_cast<int64_t>(*real);
}

std::optional<Length> read_length(std::string_view text) {
  Length length;
  if (text.ends_with("ep")) {
    length.unit = Length::Unit::epochs;
    text.remove_suffix(2);
  } else if (text.ends_with('%')) {
    length.unit = Length::Unit::percent;
    text.remove_suffix(1);
  }
  const auto value = read_double(text);
  if (!value || (length.unit == Length::Unit::updates && *value != std::floor(*value))) return {};
  length.value = *value;
  return length;
}

std::string write_number(double value) { return fmt::format("{}", value); }

std::string write_length(const Length& length) {
  switch (length.unit) {
    case Length::Unit::epochs:
      return write_number(length.value) + "ep";
    case Length::Unit::percent:
      return write_number(length.value) + "%";
    default:
      return write_number(length.value);
  }
}

std::string range_text(const Range& range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high && range.low == range.high) return fmt::format("only {}", range.low);
  if (low && high) return fmt::format("{} to {}", range.low, range.high);
  if (low) return fmt::format("at least {}", range.low);
  if (high) return fmt::format("at most {}", range.high);
  return {};
}

// Throws the error that every wrong value ends in.
[[noreturn]] void refuse(const std::string& key, std::string_view text, const std::string& wanted,
                         const std::string& range) {
  fail<UsageError>("{} = '{}': expected {}{}{}", key, text, wanted, range.empty() ? "" : ", ", range);
}

// An option of a kind that `read` and `write` know; `inside` tells whether a value is in the range.
template <class T, class Read, class Write, class Inside>
Option describe(std::string key, T& value, std::string type, std::string wanted, std::string range,
                std::string help, Read read, Write write, Inside inside) {
  Option option;
  option.key = key;
  option.type = std::move(type);
  option.range = range;
  option.default_text = write(value);
  option.help = std::move(help);
  option.get = [&value, write] { return write(value); };
  option.set = [&value, key = std::move(key), wanted = std::move(wanted), range = std::move(range), read,
                inside](std::string_view text) {
    const auto parsed = read(trim(text));
    if (!parsed || !inside(*parsed)) refuse(key, text, wanted, range);
    value = *parsed;
  };
  return option;
}

}  // namespace

int64_t Length::resolve(int64_t per_epoch, int64_t run) const {
  const double scale = unit == Unit::epochs    ? static_cast<double>(per_epoch)
                       : unit == Unit::percent ? static_cast<double>(run) / 100
                                               : 1.0;
  const double result = std::round(value * scale);
  check<UsageError>(std::abs(result) <= 0x1p53,
                    "length '{}': {} updates are more than this program can count; use a "
                    "shorter length",
                    write_length(*this), result);
  return static_cast<int64_t>(result);
}

namespace detail {

Option make_option(std::string key, double& value, Range range, std::string help) {
  return describe(std::move(key), value, "number", "a number", range_text(range), std::move(help),
                  read_double, write_number, [range](double x) { return x >= range.low && x <= range.high; });
}

Option make_option(std::string key, int64_t& value, Range range, std::string help) {
  return describe(
      std::move(key), value, "integer", "a whole number", range_text(range), std::move(help), read_integer,
      [](int64_t x) { return std::to_string(x); },
      [range](int64_t x) {
        return static_cast<double>(x) >= range.low && static_cast<double>(x) <= range.high;
      });
}

Option make_option(std::string key, bool& value, Range, std::string help) {
  const auto read = [](std::string_view text) -> std::optional<bool> {
    if (text == "yes" || text == "true" || text == "1" || text == "on") return true;
    if (text == "no" || text == "false" || text == "0" || text == "off") return false;
    return {};
  };
  return describe(
      std::move(key), value, "yes|no", "yes or no", "", std::move(help), read,
      [](bool x) { return std::string(x ? "yes" : "no"); }, [](bool) { return true; });
}

Option make_option(std::string key, std::string& value, Range, std::string help) {
  return describe(
      std::move(key), value, "text", "text without control characters", "", std::move(help),
      [](std::string_view text) { return std::optional(std::string(text)); },
      [](const std::string& x) { return x; },
      [](const std::string& x) {
        for (unsigned char c : x)
          if (c < 0x20 || c == 0x7f) return false;
        return true;
      });
}

Option make_option(std::string key, Length& value, Range range, std::string help) {
  return describe(std::move(key), value, "length",
                  "a length: updates (20000), epochs (10ep) or a share of the run (5%)", range_text(range),
                  std::move(help), read_length, write_length,
                  [range](const Length& x) { return x.value >= range.low && x.value <= range.high; });
}

Option make_option(std::string key, std::vector<double>& value, Range range, std::string help) {
  const auto read = [](std::string_view text) -> std::optional<std::vector<double>> {
    std::vector<double> numbers;
    while (!text.empty()) {
      const size_t comma = std::min(text.find(','), text.size());
      const auto number = read_double(trim(text.substr(0, comma)));
      if (!number || comma + 1 == text.size()) return {};  // not a number, or a comma at the end
      numbers.push_back(*number);
      text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return numbers;
  };
  const auto write = [](const std::vector<double>& numbers) {
    std::string text;
    for (double x : numbers) text += (text.empty() ? "" : ",") + write_number(x);
    return text;
  };
  return describe(std::move(key), value, "numbers", "numbers with commas between them", range_text(range),
                  std::move(help), read, write, [range](const std::vector<double>& numbers) {
                    for (double x : numbers)
                      if (x < range.low || x > range.high) return false;
                    return true;
                  });
}

Option make_choice(std::string key, std::vector<std::string> names, std::function<void(int)> set,
                   std::function<int()> get, std::string help) {
  Option option;
  option.key = key;
  for (const std::string& name : names) option.type += (option.type.empty() ? "" : "|") + name;
  option.help = std::move(help);
  option.default_text = names.at(static_cast<size_t>(get()));
  option.get = [names, get] { return names.at(static_cast<size_t>(get())); };
  option.set = [names, set, key = std::move(key), type = option.type](std::string_view text) {
    const std::string_view word = trim(text);
    for (size_t i = 0; i < names.size(); ++i)
      if (word == names[i]) return set(static_cast<int>(i));
    refuse(key, text, "one of " + type + suggestion(word, names), "");
  };
  return option;
}

}  // namespace detail
}  // namespace d2v
