// Each stage of the loader by itself, on one thread. Private to the pipeline; loader_bench.h prints it.
#pragma once

#include <vector>

#include "d2v/pipeline/loader_bench.h"

namespace d2v {

// Some samples of the source, evenly spaced, go through each stage again and again, for `seconds` in all; what a stage needs lies
// in memory. Samples that cannot be read are left out; empty where none can.
std::vector<StageAlone> stages_alone(const Source& source, const LoaderSettings& settings, double seconds);

}  // namespace d2v
