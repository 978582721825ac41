#include "name_pattern.h"

#include "d2v/base/check.h"

namespace d2v {

std::regex name_pattern(const std::string& pattern, const std::string& option, const std::string& what,
                        const std::string& example) {
  std::regex expression;
  try {
    expression.assign(pattern);
  } catch (const std::regex_error& error) {
    fail<UsageError>("--{} '{}': not a regular expression: {}", option, pattern, error.what());
  }
  check<UsageError>(expression.mark_count() == 1,
                    "--{} '{}': expected exactly one group, which finds the {}, such as '{}'; found {}",
                    option, pattern, what, example, expression.mark_count());
  return expression;
}

std::string found_in(const std::string& text, const std::regex& expression) {
  std::smatch match;
  return std::regex_search(text, match, expression) ? match[1].str() : std::string();
}

}  // namespace d2v
