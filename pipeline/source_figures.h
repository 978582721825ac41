// What `d2v inspect data` counts of a source. Private to the pipeline.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/data_report.h"
#include "d2v/pipeline/folder_source.h"
#include "sample_headers.h"

namespace d2v {

// Sides and formats of the pictures whose headers could be read, and how many are smaller than the crop.
PictureFigures picture_figures(const std::vector<SampleHeader>& headers, int64_t crop);

// Hours, rates, codecs and channels of the recordings likewise, and how many are too short for these limits.
RecordingFigures recording_figures(const std::vector<SampleHeader>& headers, const RecordingLimits& limits);

// Groups of pictures among `rows` that look alike.
DuplicateFigures duplicate_figures(const FolderSource& source, std::vector<uint32_t> rows,
                                   const Config& config, int64_t threads);

// What is told without opening a sample: number, bytes, splits, classes (the largest first).
void count_samples(const FolderSource& source, DataReport& report);

}  // namespace d2v
