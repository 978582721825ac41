// The pictures of a report: mask preview and neighbour strips, made from the run's data and its newest checkpoint.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "d2v/base/recipe.h"

namespace d2v {

// Writes masks.png and neighbours/ into the run's folder; for runs of pictures only. A report without them is still one:
// what could not be made (data or checkpoint missing, broken or too few) comes back in words, a sentence each. `overrides`
// of the run's configuration: UsageError where they are wrong. `command` stands under the strips.
std::vector<std::string> make_report_pictures(const std::filesystem::path& run,
                                              std::span<const Override> overrides,
                                              const std::string& command);

}  // namespace d2v
