// Train, validation and test parts of pictures or recordings.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/open_samples.h"

namespace d2v {

// Rows of a source, increasing.
struct ImageSplits {
  std::vector<uint32_t> train;
  std::vector<uint32_t> valid;
  std::vector<uint32_t> test;
};

// The user's folders where the source has them; a part without a folder is made from `train` (and `test` from there too
// where only valid was given). Otherwise by the key (seed, Stream::split, group): whole groups of near-duplicates go to
// one part, class by class, so that each part has its share of every class. Shares are of all pictures (valid_share: of
// those that are not test). Throws UsageError where train would be empty.
ImageSplits split_source(const ImageSource& source, double valid_share, double test_share, uint64_t seed);

// 0.05 for "5%". Throws UsageError outside (0, 50%].
double held_out_share(const std::string& text);

// Sources of a pretraining run. data.path without its valid and test folders; data.valid is a folder, or a share such as
// 5% that is taken out of the training pictures by key; empty: no held-out pictures (valid.samples is empty).
// Throws DataError as open_pictures does, UsageError for a share outside (0, 50%].
struct PretrainSources {
  ImageSource train;
  ImageSource valid;
};
using ScanFolder = std::function<FolderSource(const std::filesystem::path& folder, const DataConfig& config)>;
PretrainSources pretrain_sources(const DataConfig& config, uint64_t seed,
                                 const ScanFolder& scan = open_pictures);

}  // namespace d2v
