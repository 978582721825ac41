// Recipes (INI files), overrides from the command line, and the effective configuration as text.
//
//   [mask]
//   prob = 0.75        # a comment
//   [data]
//   path = "/pictures/#1"   # quotes keep '#', and spaces at the ends; \" \\ \xHH inside
//
// Boost.Program_options reads the file; this layer adds what it lacks: the line of each key, every key
// checked against the option table, the nearest valid name, and quoting.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/base/options.h"

namespace d2v {

// `--key value` or `--key=value` of a command line, without the dashes.
struct Override {
  std::string key;
  std::string value;
};

// Sets the options of `table` that the text names. `source` stands for the file in messages. Throws
// UsageError naming source, line, key and nearest valid key: unknown key, key given twice, line that is
// neither `key = value` nor `[section]`, value out of range. Options before the wrong one may have been set.
void apply_ini(std::vector<Option>& table, std::string_view text, const std::string& source);

// The same for a file. Throws DataError when it cannot be read, UsageError when it is not text or too large.
void apply_recipe(std::vector<Option>& table, const std::string& path);

// In order, so that the last of several values of one key counts. Throws UsageError like apply_ini, with
// "command line" for the source.
void apply_overrides(std::vector<Option>& table, std::span<const Override> overrides);

// The whole table as a recipe that apply_ini reads back to the same values.
enum class Comments { none, help };  // help: type, range, default and meaning of each option above it
std::string write_ini(std::span<const Option> table, Comments comments = Comments::none);

struct Difference {
  std::string key;
  std::string a;  // values as written in a recipe; empty text where a side has no such key
  std::string b;
};

// Options whose values differ, in a's order, then those that only b has.
std::vector<Difference> diff(std::span<const Option> a, std::span<const Option> b);

}  // namespace d2v
