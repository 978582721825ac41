// Folds for cross-validation: every sample is tested once, by classifiers made from the other folds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/image_splits.h"

namespace d2v {

struct Folds {
  std::vector<std::string> names;  // "1" to "N", or what a pattern found, sorted
  std::vector<uint32_t> of;        // of[row]: its fold
};

// `count` folds with their share of every class, by the key (seed, Stream::split, group): near-duplicates and equal texts go
// to one fold. Parts that the user made are not looked at. Throws UsageError below 3 folds (one is tested, one chooses
// settings, the others train); DataError where a class has fewer samples than there are folds.
Folds stratified_folds(const FolderSource& source, int64_t count, uint64_t seed);

// A fold per group: what the one group of the regular expression (ECMAScript) finds in the files' names without their folders
// or, should it not find something in every name, in the paths within the source. '_([a-z]+)_' finds "theo" in 7_theo_12.wav.
// Throws UsageError where it is no regular expression, has not exactly one group, or the samples are texts of a table;
// DataError naming the first file where it finds nothing, where fewer than 3 groups are found, or where no class lies in
// more than one of them. Classes that lie in one group only are named in a warning: nothing can find them there.
Folds folds_by_name(const FolderSource& source, const std::string& pattern);

// Tested is fold `tested`, settings are chosen on the next one (the first after the last); the others train.
ImageSplits fold_split(const Folds& folds, size_t tested);

}  // namespace d2v
