// Whether a text has a part, for CHECK.
#pragma once

#include <string>

namespace d2v::test {

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace d2v::test
