#include "d2v/pipeline/label_table.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/log.h"
#include "d2v/pipeline/utf8.h"

namespace d2v {
namespace {

constexpr uint64_t kMostTableBytes = uint64_t{4} << 30;

LabelledLine parse_line(std::string_view text, int64_t number, const std::string& file) {
  check<DataError>(text.find('\0') == text.npos, "{}:{}: holds a NUL byte; expected UTF-8 text", file,
                   number);
  const auto tabs = std::count(text.begin(), text.end(), '\t');
  check<DataError>(tabs == 1, "{}:{}: expected a label, one tab, and a text or a path; found {} tabs", file,
                   number, tabs);
  const size_t tab = text.find('\t');
  LabelledLine line{std::string(text.substr(0, tab)), std::string(text.substr(tab + 1)), number};
  check<DataError>(!line.label.empty(), "{}:{}: no label before the tab", file, number);
  check<DataError>(!line.value.empty(), "{}:{}: nothing after the tab", file, number);
  return line;
}

}  // namespace

std::vector<LabelledLine> read_label_table(const std::filesystem::path& file) {
  check<DataError>(std::filesystem::is_regular_file(file), "{}: no such file", file.string());
  std::string text;
  const CleanCount clean = append_clean(read_file(file, kMostTableBytes), true, text);
  if (clean.invalid > 0)
    log_warning("{}: {} places are not UTF-8 and became U+FFFD", file.string(), clean.invalid);
  return parse_label_table(text, file.string());
}

std::vector<LabelledLine> parse_label_table(std::string_view text, const std::string& file) {
  std::vector<LabelledLine> lines;
  int64_t number = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    if (line.empty()) continue;
    if (number == 1 && (line.starts_with("label\t") || line.starts_with("class\t"))) continue;
    lines.push_back(parse_line(line, number, file));
  }
  check<DataError>(!lines.empty(), "{}: no line with a label and a text or a path", file);
  return lines;
}

}  // namespace d2v
