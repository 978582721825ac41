// The data of a run: what it trains on and what it holds out, for every modality.
#pragma once

#include <memory>

#include "d2v/base/config.h"
#include "d2v/pipeline/source.h"
#include "d2v/pipeline/tokenizer.h"

namespace d2v {

struct DataSources {
  std::shared_ptr<const Source> train;
  std::shared_ptr<const Source> valid;  // null: nothing is held out
  Vocabulary vocabulary;                // text only; else of size 0
};

// data.path and data.valid as model.modality says: pictures or recordings (open_samples.h), held out as image_splits.h says, or
// token files (text_source.h). Or data.sources, several of them (mixed_source.h): a share is held out of each, in proportion;
// held-out data is read once, whatever the weights. Throws what these do; UsageError where both are given; DataError where
// texts, trained on or held out, are not of one vocabulary.
DataSources open_sources(const Config& config);

}  // namespace d2v
