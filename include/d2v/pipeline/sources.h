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

// data.path and data.valid as model.modality says: folders of pictures (image_splits.h) or recordings (audio_source.h),
// or token files (text_source.h). Throws what these do.
DataSources open_sources(const Config& config);

}  // namespace d2v
