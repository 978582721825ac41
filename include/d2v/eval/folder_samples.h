// Samples of a folder or table for probes, embeddings and neighbours: the center of pictures and long recordings, in the
// order of the source.
#pragma once

#include "d2v/base/config.h"
#include "d2v/eval/features.h"
#include "d2v/eval/probe.h"
#include "d2v/eval/probe_folds.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/folds.h"

namespace d2v {

// All samples of a source as a stream; files that cannot be read are left out and named in a warning after the pass.
// Labels are those of the source (-1: no class). The source must outlive the result; probe.batch samples at a time, of
// long recordings and texts fewer.
Samples folder_samples(const FolderSource& source, const Config& config);

// The rows of a probe's table that need no network: raw pixels; log-mel and MFCC; TF-IDF of the words of `train`.
std::vector<SimpleFeatures> simple_features(const FolderSource& train, const Config& config);

// Parts of data.path (labelled_source.h) for a probe: the user's train, valid and test parts, or made by key, class by
// class and without tearing near-duplicate pictures or equal texts apart. probe.max_train samples at most are used for training.
struct ProbeFolder {
  FolderSource train, valid, test;
  ProbeSplits splits() const;  // streams over these; this object must outlive them
  Config config;
};

// `classes`: a pattern for the classes, as in open_labelled. Throws what that does; DataError where a sample has no class or
// all have the same.
ProbeFolder probe_folder(const Config& config, const std::string& classes = {});

// All samples of data.path in folds, the user's own parts put together. probe.max_train limits what trains a fold.
struct FoldedFolder {
  FolderSource all;
  Folds folds;
  FoldedSamples samples() const;  // streams over `all`; this object must outlive them
  Config config;
};

// `leave_out`, a pattern as in folds_by_name, or else `count` folds as in stratified_folds, of the same seed for all runs.
// Throws what these and probe_folder do.
FoldedFolder folded_folder(const Config& config, int64_t count, const std::string& leave_out,
                           const std::string& classes = {});

}  // namespace d2v
