// Tables of labelled samples: a line `label<TAB>text` or `label<TAB>path` each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace d2v {

struct LabelledLine {
  std::string label;
  std::string value;  // text, or path
  int64_t line = 0;   // in the file, from 1
};

// Valid UTF-8 without a byte order mark; invalid bytes become U+FFFD. Empty lines are skipped, as is a first line whose
// label is "label" or "class": the names of the columns. Throws DataError that names file and line where a line has not
// exactly one tab, or nothing before or after it, or holds NUL; where the file cannot be read or has no lines.
std::vector<LabelledLine> read_label_table(const std::filesystem::path& file);

// The same of its text after that clean-up; `file` is for messages.
std::vector<LabelledLine> parse_label_table(std::string_view text, const std::string& file);

}  // namespace d2v
