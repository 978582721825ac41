// The data of a run: what it trains on and what it holds out, for every modality.
#pragma once

#include <cstdint>
#include <memory>

#include "d2v/base/config.h"
#include "d2v/pipeline/source.h"

namespace d2v {

struct DataSources {
  std::shared_ptr<const Source> train;
  std::shared_ptr<const Source> valid;  // null: nothing is held out
  int64_t vocabulary_size = 0;          // text only: tokens with the special ones
};

// data.path and data.valid as model.modality says: pictures or recordings (open_samples.h), held out as image_splits.h says, or
// token files (text_source.h). Or data.sources, several of them (mixed_source.h): a share is held out of each, in proportion;
// held-out data is read once, whatever the weights. Throws what these do; UsageError where both are given.
DataSources open_sources(const Config& config);

}  // namespace d2v
