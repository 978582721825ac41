// Pictures of a folder for probes, embeddings and neighbours: center crop, in the order of their paths.
#pragma once

#include <cstdint>

#include "d2v/base/config.h"
#include "d2v/eval/features.h"
#include "d2v/eval/probe.h"
#include "d2v/pipeline/image_source.h"

namespace d2v {

// All pictures of a source as a stream; files that cannot be read are left out and named in a warning after the pass.
// Labels are those of the source (-1: no class). The source must outlive the result; probe.batch pictures at a time.
Pictures folder_pictures(const ImageSource& source, const Config& config);

// Parts of the folder data.path for a probe: the user's train, valid and test folders, or made by key, class by class
// and without tearing groups of near-duplicates apart. probe.max_train pictures at most are used for training.
struct ProbeFolder {
  ImageSource train, valid, test;
  ProbeSplits splits() const;  // streams over these; this object must outlive them
  Config config;
};

// Throws DataError where the folder is missing, empty, or its pictures are not in sub-folders by class.
ProbeFolder probe_folder(const Config& config);

}  // namespace d2v
