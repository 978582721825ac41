// What turns one sample into numbers, per modality. Private to the pipeline.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/masks.h"
#include "d2v/pipeline/mixed_source.h"
#include "d2v/pipeline/stage_times.h"
#include "d2v/pipeline/text_source.h"

namespace d2v {

// Memory of one thread, reused from sample to sample.
struct SampleScratch {
  std::vector<uint8_t> file;
  StageTimes times;
  AudioScratch audio;
  std::vector<float> sound;
  MaskScratch mask;
};

// A sample to read.
struct SampleRead {
  uint32_t row = 0;
  SampleRef ref;
};

// Where its numbers go: pixels, log-mel values or sound, or tokens.
struct SampleOut {
  std::span<float> input;
  std::span<int64_t> tokens;
};

// Reads a sample for a slice of this shape; the key has seed, epoch, id and occurrence. Returns its own length, at most
// shape.length; what is left of `out` holds padding. Throws DataError where it cannot be used. Thread-safe.
using ReadSample = std::function<int64_t(const SampleRead&, const RngKey& key, const SliceShape& shape,
                                         SampleScratch&, const SampleOut& out)>;

// The one for the source's modality. The source must outlive it. Throws UsageError for settings that do not fit.
ReadSample sample_reader(const Source& source, const LoaderSettings& settings);

ReadSample picture_reader(const FolderSource& source, const LoaderSettings& settings);
ReadSample recording_reader(const FolderSource& source, const LoaderSettings& settings);
ReadSample spectrogram_reader(const FolderSource& source, const LoaderSettings& settings);
ReadSample block_reader(const TextSource& source, const LoaderSettings& settings);
ReadSample text_reader(const FolderSource& source);
ReadSample mixed_reader(const MixedSource& source, const LoaderSettings& settings);

}  // namespace d2v
