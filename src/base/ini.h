// INI text as a list of dotted keys with their lines. Boost.Program_options does the reading; the scan before
// it finds the lines, refuses what Boost would report without one, and encodes quoted values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace d2v::ini {

struct Entry {
  std::string key;    // "mask.prob"
  std::string value;  // without quotes
  int line = 0;       // from 1
};

// Throws UsageError naming source and line.
std::vector<Entry> parse(std::string_view text, const std::string& source);

// The value as it is written in a file: in quotes where it needs them.
std::string quote(std::string_view value);

}  // namespace d2v::ini
