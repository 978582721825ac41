// The files below a folder. Private to the pipeline.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/pipeline/folder_source.h"

namespace d2v {

// So many files of other kinds are named; more are counted only. A data set may have one beside each sample.
inline constexpr size_t kMostNamed = 1000;

struct WalkedFolder {
  std::vector<std::string> found;   // within the folder, '/' between folders; sorted
  std::vector<std::string> others;  // the first of report.other_files, at most kMostNamed, likewise
  ScanReport report;                // other files and skipped links
};

// Files that `counts` takes, in all sub-folders. Names that start with a dot are passed over; links are followed, without
// going in circles, or with skip_links counted and left. Throws DataError where the folder, or one below, cannot be read.
WalkedFolder walk_folder(const std::filesystem::path& root, bool skip_links,
                         const std::function<bool(const std::filesystem::path&)>& counts);

// walked.others as files that are not used: each with `reason` behind its path, and a last one, "…", for those that are counted
// only.
std::vector<BadFile> name_others(const std::filesystem::path& root, const WalkedFolder& walked,
                                 std::string_view reason);

// Throws UsageError where nothing was given, DataError where it does not exist.
void check_exists(const std::filesystem::path& path, std::string_view things);

// Whether a name ends in one of these; they are lower case, with the dot.
bool has_ending(const std::filesystem::path& path, std::span<const std::string_view> endings);

// "a" of "a/b/c"; empty where there is no folder.
std::string_view first_folder(std::string_view path);

// What a folder's name says: train, val, test and the like.
Split split_of(std::string_view folder);

// Whether all paths lie in folders named train and valid or test.
bool has_split_folders(const std::vector<std::string>& paths);

}  // namespace d2v
