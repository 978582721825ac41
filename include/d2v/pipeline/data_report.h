// What a data set consists of, as numbers, as text and as JSON. inspect_data.h fills it in.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "d2v/base/config/modality.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

// Of a list of numbers; the median of an even count is the upper one of the two. All 0 for an empty list.
struct Spread {
  double min = 0;
  double median = 0;
  double max = 0;
  bool operator==(const Spread&) const = default;
};
Spread spread_of(std::vector<double> values);

using Counts = std::map<std::string, int64_t>;

// Of all pictures whose header can be read; sizes are those of the upright picture.
struct PictureFigures {
  Spread width{}, height{};  // pixels
  Spread aspect{};           // width / height
  Counts formats{};
  int64_t crop = 0;        // image.size
  int64_t below_crop = 0;  // pictures with a shorter side than that: they are enlarged
};

// Of all recordings whose header can be read.
struct RecordingFigures {
  double hours = 0;
  Spread seconds{};
  Counts rates{};            // samples a second
  Counts codecs{};           // FFmpeg's names
  Counts channels{};         // of a recording
  double least_seconds = 0;  // what the recipe uses at least
  int64_t too_short = 0;
};

struct TextFigures {
  int64_t tokens = 0;
  int64_t documents = 0;
  Spread document_tokens{};
  int64_t vocabulary = 0;  // tokens with the special ones; 0: not told
};

// Pictures that look the same (near_duplicates.h).
struct DuplicateFigures {
  int64_t compared = 0;  // pictures; fewer than all: a sample
  int64_t groups = 0;
  int64_t surplus = 0;                               // pictures beyond the first of their group
  std::vector<std::vector<std::string>> examples{};  // the first few groups, by name
};

struct EpochFigures {
  int64_t threads = 0;
  int64_t samples = 0;  // of an epoch
  double samples_per_second = 0;
  double seconds = 0;          // of an epoch
  std::string not_measured{};  // why; empty: it was
};

struct DataReport {
  Modality modality = Modality::image;
  std::string path;
  std::string form;     // "a folder of files"
  int64_t samples = 0;  // listed, the broken ones included; text: documents
  uint64_t bytes = 0;   // of them as they are stored
  Spread sample_bytes;
  std::array<int64_t, 4> splits{};                       // by Split, where the user made them
  std::vector<std::pair<std::string, int64_t>> classes;  // with their samples, most first
  ScanReport scan;
  Counts other_endings;         // files of a folder that are not taken
  std::vector<BadFile> broken;  // by path; all headers are read
  int64_t decoded = 0;          // samples that were decoded, too
  PictureFigures pictures;      // modality image
  RecordingFigures recordings;  // speech, spectrogram
  TextFigures text;             // text
  DuplicateFigures duplicates;  // image
  EpochFigures epoch;
  double weight = 0;  // of a source in a mix: its share of what is drawn
  std::vector<DataReport>
      parts;  // of a mix: its sources; the figures above are then sums, and the epoch that of the mix
};

std::string report_text(const DataReport& report);
// One object; all classes and all broken files are in it.
std::string report_json(const DataReport& report);

}  // namespace d2v
