// "What should my loss look like?": says during a run whether its loss is inside the recipe's reference band.
#pragma once

#include <filesystem>

#include "d2v/train/trainer.h"

namespace d2v {

// Observers that compare with RUN/reference.tsv, twenty times over the run. A recipe that has a curve beside it
// (reference/NAME.tsv) gives it to a run that starts; an empty path: there is no recipe.
TrainObservers reference_watch(const std::filesystem::path& recipe);

}  // namespace d2v
