// What a model consists of, in words and numbers.
#pragma once

#include <string>

#include "d2v/base/config.h"
#include "d2v/nn/parameters.h"

namespace d2v {

// A line per parameter: name, shape, elements, whether it is trained, what the teacher does with it, whether weight
// decay applies; then totals. `config` decides on decay_all.
std::string parameter_table(const ParameterLayout& layout, const Config& config);

// Tokens: positions of a sample, extra tokens, how many the student sees of each masked version, and per update. Of
// speech: of the longest sample. Throws UsageError for mask settings that keep or hide nothing.
std::string token_summary(const Config& config);

// Floating-point operations of one sample by part, forward and with the backward, and of an update.
std::string flops_table(const Config& config);

// Memory: weights with gradients, Adam's moments and teacher; activations of a sample and of one of the run.accumulate
// passes of an update, estimated as what each layer keeps for its backward, in fp32 and bf16.
std::string memory_summary(const ParameterLayout& layout, const Config& config);

}  // namespace d2v
