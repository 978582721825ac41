// d2v inspect data: what a data set consists of.
#pragma once

#include "d2v/base/command_line.h"

namespace d2v {

// `inspect data PATH [RECIPE]`. Returns the exit status.
int run_inspect_data(const ParsedLine& line);

}  // namespace d2v
