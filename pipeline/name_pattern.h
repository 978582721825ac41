// Regular expressions that find something in the names of files. Private to the pipeline.
#pragma once

#include <regex>
#include <string>

namespace d2v {

// The expression (ECMAScript) of the option `--option`, with its one group; `what` it finds, and an `example`, are for
// messages. Throws UsageError where it is no regular expression or has not exactly one group.
std::regex name_pattern(const std::string& pattern, const std::string& option, const std::string& what,
                        const std::string& example);

// What the group finds in `text`; empty: nothing.
std::string found_in(const std::string& text, const std::regex& expression);

}  // namespace d2v
