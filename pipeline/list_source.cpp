#include "d2v/pipeline/list_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <unordered_set>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "folder_walk.h"
#include "listed_samples.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr uint64_t kMostListBytes = uint64_t{4} << 30;
constexpr std::array<std::string_view, 3> kListEndings{".txt", ".lst", ".list"};

// Calls use(line, number) for each line that is not empty.
void each_line(std::string_view text, const std::string& file,
               const std::function<void(std::string_view, int64_t)>& use) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  int64_t number = 0;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    check<DataError>(line.find('\0') == line.npos, "{}:{}: holds a NUL byte; expected a text file", file,
                     number);
    if (!line.empty()) use(line, number);
  }
}

// The line's parts before and after its tab; the second is empty where there is none.
std::pair<std::string_view, std::string_view> at_tab(std::string_view line, const std::string& file,
                                                     int64_t number) {
  const auto tabs = std::count(line.begin(), line.end(), '\t');
  check<DataError>(tabs <= 1, "{}:{}: expected at most one tab, found {}", file, number, tabs);
  const size_t tab = std::min(line.find('\t'), line.size());
  check<DataError>(tab > 0, "{}:{}: no path before the tab", file, number);
  return {line.substr(0, tab), line.substr(std::min(tab + 1, line.size()))};
}

// In the form that a folder's scan gives, so that ids are equal.
std::string tidy(std::string_view path) { return fs::path(path).lexically_normal().generic_string(); }

void check_paths(const PathList& list, const std::string& file) {
  check<DataError>(!list.paths.empty(), "{}: names no file", file);
}

struct Seen {
  std::unordered_set<std::string> paths;
  bool first_time(const std::string& path, FolderSource& source) {
    const bool added = paths.insert(path).second;
    source.report.repeated += added ? 0 : 1;
    return added;
  }
};

}  // namespace

PathList parse_list(std::string_view text, const std::string& file) {
  PathList list;
  each_line(text, file, [&](std::string_view line, int64_t number) {
    const auto [path, label] = at_tab(line, file, number);
    list.paths.push_back({tidy(path), std::string(label)});
  });
  check_paths(list, file);
  return list;
}

PathList parse_manifest(std::string_view text, const std::string& file) {
  PathList list;
  each_line(text, file, [&](std::string_view line, int64_t number) {
    if (list.root.empty()) {
      check<DataError>(line.find('\t') == line.npos,
                       "{}:{}: expected the folder of the recordings, alone on the first line", file, number);
      list.root = line;
      return;
    }
    const auto [path, count] = at_tab(line, file, number);
    int64_t samples = 0;
    const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), samples);
    check<DataError>(error == std::errc{} && end == count.data() + count.size() && samples >= 0,
                     "{}:{}: expected path<TAB>number of samples, found '{}' behind the path", file, number,
                     count);
    list.paths.push_back({tidy(path), {}, samples});
  });
  check_paths(list, file);
  return list;
}

bool is_list(const fs::path& path) {
  std::error_code error;
  return has_ending(path, kListEndings) && !fs::is_directory(path, error);
}

std::vector<Manifest> manifests_of(const fs::path& path) {
  const auto is_manifest = [](const fs::path& file) {
    std::error_code error;
    if (file.extension() != ".tsv" || !fs::is_regular_file(file, error)) return false;
    std::string line;
    std::ifstream in(file, std::ios::binary);
    return static_cast<bool>(std::getline(in, line)) && line.find('\t') == line.npos && line.size() < 4096;
  };
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    if (!is_manifest(path)) return {};
    return {{path, Split::none}};
  }
  if (!is_manifest(path / "train.tsv")) return {};
  std::vector<Manifest> manifests{{path / "train.tsv", Split::train}};
  for (const char* name : {"valid.tsv", "val.tsv", "validation.tsv", "dev.tsv"}) {
    if (manifests.size() == 1 && is_manifest(path / name)) manifests.push_back({path / name, Split::valid});
  }
  if (is_manifest(path / "test.tsv")) manifests.push_back({path / "test.tsv", Split::test});
  return manifests;
}

FolderSource read_list(const fs::path& file, const DataConfig& config, Modality modality) {
  check_exists(file, samples_word(modality));
  const PathList list = parse_list(read_file(file, kMostListBytes), file.string());
  FolderSource source;
  source.kind = modality;
  source.root = file.parent_path();
  source.given = file.string();
  const bool labelled = std::any_of(list.paths.begin(), list.paths.end(),
                                    [](const ListedPath& one) { return !one.label.empty(); });
  Seen seen;
  std::vector<ListedSample> listed;
  for (const ListedPath& path : list.paths) {
    if (!seen.first_time(path.path, source)) continue;
    ListedSample one;
    one.sample.path = path.path;
    one.class_name = labelled ? path.label : std::string(first_folder(path.path));
    listed.push_back(std::move(one));
  }
  add_listed(source, std::move(listed), config);
  return source;
}

FolderSource read_manifests(const std::vector<Manifest>& manifests, const DataConfig& config) {
  FolderSource source;
  source.kind = Modality::speech;
  source.given = manifests.front().file.string();
  source.split_folders = manifests.size() > 1;
  Seen seen;
  std::vector<ListedSample> listed;
  for (const Manifest& manifest : manifests) {
    const std::string file = manifest.file.string();
    const PathList list = parse_manifest(read_file(manifest.file, kMostListBytes), file);
    const fs::path root = manifest.file.parent_path() / list.root;
    check<DataError>(source.root.empty() || source.root == root,
                     "{}: its folder {} is not that of the other manifests, {}; give one manifest", file,
                     root.string(), source.root.string());
    source.root = root;
    for (const ListedPath& path : list.paths) {
      if (!seen.first_time(path.path, source)) continue;
      ListedSample one;
      one.sample.path = path.path;
      one.sample.split = manifest.split;
      one.sample.length = path.samples;  // until the headers have been read
      one.class_name = first_folder(path.path);
      listed.push_back(std::move(one));
    }
  }
  std::error_code error;
  check<DataError>(
      fs::is_directory(source.root, error),
      "{}: its first line says that the recordings are in {}, which is no folder; change that line",
      source.given, source.root.string());
  add_listed(source, std::move(listed), config);
  return source;
}

}  // namespace d2v
