// The command line again, for files that say how they were made.
#pragma once

#include <string>

#include "d2v/base/command_line.h"

namespace d2v {

// Positional arguments first, then own options that are not at their default, then those of the configuration; quoted
// for a shell where needed.
std::string command_text(const CommandSpec& spec, const ParsedLine& line);

}  // namespace d2v
