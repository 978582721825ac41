// What a model consists of, in words and numbers.
#pragma once

#include <string>

#include "d2v/base/config.h"
#include "d2v/nn/parameters.h"

namespace d2v {

// A line per parameter: name, shape, elements, whether it is trained, what the teacher does with it, whether weight
// decay applies; then totals. `config` decides on decay_all.
std::string parameter_table(const ParameterLayout& layout, const Config& config);

// Tokens: patches, extra tokens, how many the student sees of each masked version, and per update.
// Throws UsageError for mask settings that keep or hide nothing.
std::string token_summary(const Config& config);

}  // namespace d2v
