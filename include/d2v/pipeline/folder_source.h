// Pictures, recordings or texts as a list of samples: the files of a folder (here), of a list (list_source.h), entries of
// tar shards (shard_source.h), made-up ones (synthetic.h), texts of a table (labelled_source.h).
//
// A folder is searched recursively; the class of a file is its first sub-folder. Where the folder has a sub-folder `train` and
// one of `val`, `valid`, `validation`, `test` (and files only in those), these are the user's splits, and the class
// is the sub-folder below. A file counts by its name's ending; what it really is the reader tells by its content.
// Names that start with a dot are skipped. All others are named with that reason, in other_files; the entries of shards that are
// no samples are counted only, in report.
//
// Ids are hashes of the path within the folder (of shard and key): adding, removing or moving the folder leaves the ids of the other
// files, and with them their held-out masks and their place in a split, as they were.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/byte_source.h"
#include "d2v/pipeline/source.h"
#include "d2v/pipeline/tokenizer.h"

namespace d2v {

enum class Split : uint8_t { none, train, valid, test };

struct FolderSample {
  std::string path;    // within the root, '/' between folders
  uint64_t id = 0;     // path_id(path)
  uint64_t group = 0;  // files of equal group are near-duplicates; own id until group_near_duplicates
  int32_t label = -1;  // index in classes; -1: no sub-folder
  Split split = Split::none;
  int64_t length = 0;  // recordings: samples at speech.sample_rate; texts: tokens
  int64_t text = -1;   // texts: place in TextRows
  int64_t entry = -1;  // tar shards: place in ShardEntries; made-up samples: their number
};

struct ShardEntries;  // shard_source.h
struct SyntheticSet;  // synthetic.h

// What tells a cache that a sample's bytes are still the same.
struct ByteStamp {
  uint64_t bytes = 0;
  int64_t changed = 0;  // of the file, in ticks of the file clock
};

// Texts of a table, shared by its parts.
struct TextRows {
  Vocabulary vocabulary;
  std::vector<std::string> texts;
  std::vector<std::vector<int64_t>> tokens;  // <s> … </s>
};

// What a scan left out, for a line of the log.
struct ScanReport {
  int64_t other_files = 0;       // by their name's ending
  int64_t links = 0;             // left out by data.deduplicate
  int64_t duplicates = 0;        // of equal content, likewise
  int64_t repeated = 0;          // named more than once
  int64_t small_classes = 0;     // classes below data.min_class_files
  int64_t of_small_classes = 0;  // files in them
  int64_t broken = 0;            // headers that cannot be read (recordings)
  int64_t too_short = 0;         // below speech.min_seconds
  bool operator==(const ScanReport&) const = default;
};

// "3 links, 2 other files"; empty: nothing was left out.
std::string left_out_words(const ScanReport& report);

struct FolderSource : Source {
  Modality kind = Modality::image;
  std::filesystem::path root;
  std::vector<FolderSample> samples;  // sorted by path
  std::vector<std::string> classes;   // sorted
  bool split_folders = false;         // the user made the splits
  ScanReport report;
  std::vector<BadFile> left_out_files;         // sorted by path
  std::string given;                           // for describe, where it is not the root
  std::shared_ptr<const TextRows> texts;       // labelled_source.h; else null
  std::shared_ptr<const ShardEntries> shards;  // else null
  std::shared_ptr<const SyntheticSet> made;    // else null
  // What lies beside the samples of a folder, sorted by path: the first 1000, then "…" with the number of the rest.
  std::vector<BadFile> other_files;

  // Of samples that are files; of others only for messages.
  std::filesystem::path file(size_t row) const { return root / samples[row].path; }
  // Where the bytes of a picture or recording are. Those of a made-up one are put into `memory`, which must stay.
  virtual ByteSource bytes_of(size_t row, std::vector<uint8_t>& memory) const;
  // All of them. Throws DataError as read_bytes does.
  virtual void read(size_t row, std::vector<uint8_t>& bytes) const;
  ByteStamp stamp(size_t row) const;

  Modality modality() const override { return kind; }
  size_t size() const override { return samples.size(); }
  uint64_t id(uint32_t row) const override { return samples[row].id; }
  int32_t label(uint32_t row) const override { return samples[row].label; }
  std::string name(uint32_t row) const override { return samples[row].path; }
  std::string where() const override { return root.string(); }
  int64_t length(uint32_t row) const override { return samples[row].length; }
  std::span<const BadFile> left_out() const override { return left_out_files; }
  std::span<const BadFile> others() const override { return other_files; }
  std::string describe() const override;
};

uint64_t path_id(std::string_view path);

// What to look for.
struct FolderKind {
  Modality modality = Modality::image;
  std::string_view one;                       // "picture"
  std::span<const std::string_view> endings;  // lower case, with the dot
  std::string_view shown_endings;             // for messages
};

// Lists the files below `folder`. Links are followed, without going in circles; with data.deduplicate they are
// skipped, as are later files of equal content. Throws DataError that says what to do where the folder is missing, is a
// file, cannot be read (nor any folder below), is empty, or has no such file.
FolderSource scan_folder(const std::filesystem::path& folder, const DataConfig& config,
                         const FolderKind& kind);

// The same files, only those of `rows`; classes and labels stay.
FolderSource subset(const FolderSource& source, std::span<const uint32_t> rows);

// A line such as "6,900 pictures in 22 classes; left out: 1,221 links, …".
inline std::string describe(const Source& source) { return source.describe(); }

}  // namespace d2v
