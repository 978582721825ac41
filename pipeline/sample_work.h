// What is done per sample: read, transform, normalise, draw masks. Private to the pipeline.
#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/bad_files.h"
#include "d2v/pipeline/batch.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/masks.h"
#include "d2v/pipeline/transforms.h"

namespace d2v {

// Memory of one thread, reused from sample to sample.
struct SampleScratch {
  std::vector<uint8_t> file;
  MaskScratch mask;
};

// A sample that was read.
struct SampleRead {
  uint32_t row = 0;
  SampleRef ref;
};

class SampleWork {
 public:
  SampleWork(const ImageSource& source, const DataConfig& data, const ImageConfig& image, bool random_crops,
             uint64_t seed);

  // Reads the picture of `row` into `out` (3·H·W numbers). In training a file that cannot be read is noted and replaced
  // by one drawn by its key; otherwise nothing comes back. Throws DataError above data.max_bad_fraction.
  std::optional<SampleRead> read(uint32_t row, int64_t epoch, SampleScratch& scratch,
                                 std::span<float> out) const;

  // All masks of a sample: (M, V) and (M, T-V).
  void draw_masks(const MaskPlan& plan, int64_t clones, int64_t epoch, const SampleRef& ref,
                  SampleScratch& scratch, std::span<int64_t> visible, std::span<int64_t> masked) const;

  std::vector<BadFile> bad_files() const { return bad_.all(); }

 private:
  bool try_read(const SampleRead& sample, int64_t epoch, SampleScratch& scratch, std::span<float> out) const;

  const ImageSource& source_;
  DataConfig data_;
  ImageConfig image_;
  bool training_;
  uint64_t seed_;
  Normalizer normalize_;
  mutable BadFileList bad_;
};

}  // namespace d2v
