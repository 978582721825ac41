// Any bytes are a table whose lines have a label and a value, in order, or a DataError.
#include "d2v/pipeline/label_table.h"

#include <cstdlib>

#include "d2v/base/check.h"
#include "d2v/pipeline/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text;
  d2v::append_clean({reinterpret_cast<const char*>(data), size}, true, text);
  try {
    int64_t last = 0;
    for (const d2v::LabelledLine& line : d2v::parse_label_table(text, "fuzz")) {
      if (line.label.empty() || line.value.empty() || line.line <= last) std::abort();
      if ((line.label + line.value).find_first_of(std::string_view("\t\n\0", 3)) != std::string::npos)
        std::abort();
      last = line.line;
    }
    if (last == 0) std::abort();
  } catch (const d2v::DataError&) {
  }
  return 0;
}
