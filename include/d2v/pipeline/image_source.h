// An image folder as a list of samples.
//
// Searched recursively; the class of a picture is its first sub-folder. Where the folder has a sub-folder `train` and
// one of `val`, `valid`, `validation`, `test` (and pictures only in those), these are the user's splits, and the class
// is the sub-folder below. A file counts as a picture by its name's ending; what it really is the reader tells by its
// content. Names that start with a dot are skipped.
//
// Ids are hashes of the path within the folder: adding, removing or moving the folder leaves the ids of the other
// pictures, and with them their held-out masks and their place in a split, as they were.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "d2v/base/config/data.h"

namespace d2v {

enum class Split : uint8_t { none, train, valid, test };

struct ImageSample {
  std::string path;    // within the root, '/' between folders
  uint64_t id = 0;     // image_id(path)
  uint64_t group = 0;  // pictures of equal group are near-duplicates; own id until group_near_duplicates
  int32_t label = -1;  // index in classes; -1: no sub-folder
  Split split = Split::none;
};

// What a scan left out, for a line of the log.
struct ScanReport {
  int64_t other_files = 0;       // not pictures by their name's ending
  int64_t links = 0;             // left out by data.deduplicate
  int64_t duplicates = 0;        // of equal content, likewise
  int64_t small_classes = 0;     // classes below data.min_class_files
  int64_t of_small_classes = 0;  // pictures in them
};

struct ImageSource {
  std::filesystem::path root;
  std::vector<ImageSample> samples;  // sorted by path
  std::vector<std::string> classes;  // sorted
  bool split_folders = false;        // the user made the splits
  ScanReport report;

  std::filesystem::path file(size_t row) const { return root / samples[row].path; }
  size_t size() const { return samples.size(); }
};

uint64_t image_id(std::string_view path);

// Lists the pictures below `folder`. Links are followed, without going in circles; with data.deduplicate they are
// skipped, as are later files of equal content. Throws DataError that says what to do where the folder is missing, is a
// file, cannot be read (nor any folder below), is empty, or has no picture.
ImageSource scan_images(const std::filesystem::path& folder, const DataConfig& config);

// The same pictures, only those of `rows`; classes and labels stay.
ImageSource subset(const ImageSource& source, std::span<const uint32_t> rows);

// A line such as "6,900 pictures in 22 classes; left out: 1,221 links, …".
std::string describe(const ImageSource& source);

}  // namespace d2v
