// A slice of made-up samples for timing a step: normal pixels or sound, random tokens, masks as the pipeline draws them.
#pragma once

#include "d2v/base/config.h"
#include "d2v/model/objective.h"

namespace d2v {

// data.batch samples of model.modality: pictures and spectrograms of the recipe's size; sound of speech.max_seconds; text.block tokens below
// text.vocabulary_size. A pure function of the configuration. Throws UsageError where masks or sizes do not fit, and for
// text without a vocabulary's size.
DeviceBatch synthetic_batch(const Config& config);

}  // namespace d2v
