// Looks through a data set before a run does: what is in it, what is broken, how fast it is read here.
#pragma once

#include <cstdint>

#include "d2v/base/config.h"
#include "d2v/pipeline/data_report.h"

namespace d2v {

struct InspectLimits {
  int64_t decode = 2000;      // samples that are decoded, evenly spaced, and pictures that are compared
  bool all = false;           // decode every sample; compare at most 50,000 pictures
  double loader_seconds = 3;  // of the timed run; 0: none
};

// Looks at config.data.path as model.modality says, or at each of config.data.sources. A table with labels (label_table.h) is looked at as the
// samples it names; of texts, their tokens where text.vocabulary is given. All headers are read, in parallel on data.threads (0: all cores); of
// recordings at most the first 10 minutes are decoded. data.max_bad_fraction and data.valid do not count here. The timed run
// is the recipe's loader over an epoch of what it trains on, from its beginning, with as many threads. Throws DataError as
// the readers do where there is nothing to look at: missing, empty, no file of the kind, a token file that was cut.
DataReport inspect_data(const Config& config, const InspectLimits& limits = {});

}  // namespace d2v
