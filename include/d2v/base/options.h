// One declaration per option: name, default, range, help, in one place.
//
// A section is a plain struct with a `visit` template that names its members:
//
//   struct MaskConfig {
//     double prob = 0.8;
//     template <class V> void visit(V& v) {
//       v("prob", prob, Range{0, 1}, "share of positions hidden from the student (R)");
//     }
//   };
//
// An `OptionTable` is made from a config instance by such a visit and stays bound to it. Command line, recipe,
// --help, the config.ini of a run, the checkpoint's copy and `d2v config diff` all read this table.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace d2v {

struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};
inline constexpr Range any_value{};
inline constexpr Range at_least(double low) { return {low, std::numeric_limits<double>::infinity()}; }

// A length of a schedule: `20000` updates, `10ep` epochs, `5%` of the run.
struct Length {
  enum class Unit { updates, epochs, percent };
  double value = 0;
  Unit unit = Unit::updates;

  // In updates, rounded to the nearest. `per_epoch`: updates in an epoch; `run`: updates in the whole run.
  int64_t resolve(int64_t per_epoch, int64_t run) const;
  bool operator==(const Length&) const = default;
};

inline constexpr Length updates(double n) { return {n, Length::Unit::updates}; }
inline constexpr Length epochs(double n) { return {n, Length::Unit::epochs}; }
inline constexpr Length percent(double n) { return {n, Length::Unit::percent}; }

// Specialised beside each enum that is an option: `static constexpr std::array<std::string_view, N> names`,
// in the order of the enumerators, which count from 0.
template <class E>
struct EnumNames;

template <class E>
std::string_view name_of(E value) {
  return EnumNames<E>::names[static_cast<size_t>(value)];
}

// One option, bound to a member of a config instance.
struct Option {
  std::string key;    // "mask.prob"
  std::string type;   // "number", "integer", "yes|no", "text", "length", "numbers", or the choices "a|b|c"
  std::string range;  // "0 to 1", "at least 1", "" where everything goes
  std::string default_text;  // as it is written in a recipe
  std::string help;
  std::function<void(std::string_view)> set;  // throws UsageError naming key, value and range
  std::function<std::string()> get;           // text that `set` reads back to the same value
};

namespace detail {
// Defined in options.cpp: one per kind of value.
Option make_option(std::string key, double& value, Range range, std::string help);
Option make_option(std::string key, int64_t& value, Range range, std::string help);
Option make_option(std::string key, bool& value, Range range, std::string help);
Option make_option(std::string key, std::string& value, Range range, std::string help);
Option make_option(std::string key, Length& value, Range range, std::string help);
Option make_option(std::string key, std::vector<double>& value, Range range, std::string help);
Option make_choice(std::string key, std::vector<std::string> names, std::function<void(int)> set,
                   std::function<int()> get, std::string help);

struct Collector {
  std::string section;
  std::vector<Option>* out;

  template <class T>
  void operator()(const char* name, T& value, Range range, const char* help) {
    out->push_back(make_option(section + "." + name, value, range, help));
  }
  template <class T>
  void operator()(const char* name, T& value, const char* help) {
    if constexpr (std::is_enum_v<T>) {
      std::vector<std::string> names(EnumNames<T>::names.begin(), EnumNames<T>::names.end());
      out->push_back(make_choice(
          section + "." + name, std::move(names), [&value](int i) { value = static_cast<T>(i); },
          [&value] { return static_cast<int>(value); }, help));
    } else {
      out->push_back(make_option(section + "." + name, value, any_value, help));
    }
  }
};

struct SectionCollector {
  std::vector<Option>* out;
  template <class S>
  void operator()(const char* name, S& section) {
    Collector collector{name, out};
    section.visit(collector);
  }
};
}  // namespace detail

// All options of a config, in the order of declaration. The config must outlive the table.
template <class Config>
std::vector<Option> option_table(Config& config) {
  std::vector<Option> table;
  detail::SectionCollector collector{&table};
  config.visit(collector);
  return table;
}

}  // namespace d2v
