// Lists of pictures or recordings in text files.
//
// A list (.txt, .lst, .list) has a path on each line, or path<TAB>class. Paths are relative to the list's folder, or absolute;
// without classes the first folder of a relative path is the class, as in a folder.
// A manifest of fairseq (.tsv) has a folder on its first line, then path<TAB>samples on each; the class is the first folder.
// Empty lines are skipped, as are paths that were there before (counted). Ids are hashes of the paths as they are written: a
// manifest gives the same ids as the folder that it was made from.
// Files are not looked at here: readers name those that are missing or broken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/pipeline/folder_source.h"

namespace d2v {

struct ListedPath {
  std::string path;
  std::string label;    // lists; empty: none
  int64_t samples = 0;  // manifests: at the recording's own rate
};

struct PathList {
  std::string root;  // manifests
  std::vector<ListedPath> paths;
};

// Throw DataError naming `file` and the line: NUL bytes, an empty path, more tabs than expected, a number of samples that is
// none, no root, no paths.
PathList parse_list(std::string_view text, const std::string& file);
PathList parse_manifest(std::string_view text, const std::string& file);

// Whether read_list reads this, by its name's ending.
bool is_list(const std::filesystem::path& path);

// The manifests that `path` stands for: itself, or a folder's train.tsv with valid.tsv (val, dev) and test.tsv, which are
// splits then. None where it, or the first of them, does not begin with a line without a tab.
struct Manifest {
  std::filesystem::path file;
  Split split = Split::none;
};
std::vector<Manifest> manifests_of(const std::filesystem::path& path);

FolderSource read_list(const std::filesystem::path& file, const DataConfig& config, Modality modality);

// Manifests of one root; throws DataError where the roots differ or there is no such folder. `length` of a sample is what
// the manifest says, at the recording's own rate; keep_usable_recordings replaces it by what the header says and warns where
// the two differ.
FolderSource read_manifests(const std::vector<Manifest>& manifests, const DataConfig& config);

}  // namespace d2v
