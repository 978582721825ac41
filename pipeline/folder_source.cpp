#include "d2v/pipeline/folder_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "content_duplicates.h"
#include "d2v/base/check.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

bool counts(const fs::path& path, std::span<const std::string_view> endings) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

struct Walk {
  const fs::path& root;
  bool skip_links;
  std::span<const std::string_view> endings;
  ScanReport report{};
  std::vector<std::string> found{};
  std::vector<fs::path> above{};  // real paths of the folders being read: a link to one of them is a circle
  int64_t files = 0;

  void read(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (std::find(above.begin(), above.end(), real) != above.end()) return;
    above.push_back(real);
    fs::directory_iterator entries(folder, error);
    check<DataError>(!error, "{}: cannot read this folder ({}); change its permissions or move it out of {}",
                     folder.string(), error.message(), root.string());
    for (const fs::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.')) continue;
      const bool link = entry.is_symlink(error);
      const bool directory = entry.is_directory(error);
      if (link && skip_links) {
        if (directory || counts(entry.path(), endings)) ++report.links;
        continue;
      }
      if (directory) {
        read(entry.path());
      } else if (counts(entry.path(), endings)) {  // links to nowhere too: the reader names them
        found.push_back(entry.path().lexically_relative(root).generic_string());
      } else {
        ++report.other_files;
      }
    }
    above.pop_back();
  }
};

std::string_view first_folder(std::string_view path) {
  const size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

Split split_of(std::string_view folder) {
  if (folder == "train") return Split::train;
  if (folder == "val" || folder == "valid" || folder == "validation") return Split::valid;
  if (folder == "test") return Split::test;
  return Split::none;
}

bool has_split_folders(const std::vector<std::string>& paths) {
  std::set<Split> seen;
  for (const std::string& path : paths) seen.insert(split_of(first_folder(path)));
  return !seen.contains(Split::none) && seen.contains(Split::train) && seen.size() > 1;
}

void check_folder(const fs::path& folder, std::string_view things) {
  std::error_code error;
  check<UsageError>(!folder.empty(), "data.path is not set; give a folder of {}: --data.path DIR", things);
  const fs::file_status status = fs::status(folder, error);
  check<DataError>(fs::exists(status), "{}: no such folder; check data.path", folder.string());
  check<DataError>(fs::is_directory(status),
                   "{}: is a file, expected a folder of {}; give the folder it is in, {}", folder.string(),
                   things, folder.has_parent_path() ? folder.parent_path().string() : ".");
}

void drop_small_classes(FolderSource& source, int64_t least,
                        std::map<std::string, std::vector<FolderSample>>& classes) {
  for (auto it = classes.begin(); it != classes.end();) {
    if (!it->first.empty() && static_cast<int64_t>(it->second.size()) < least) {
      ++source.report.small_classes;
      source.report.of_small_classes += static_cast<int64_t>(it->second.size());
      it = classes.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace

uint64_t path_id(std::string_view path) {
  // FNV-1a, then the finaliser of SplitMix64, since ids that differ in the last letters only should differ everywhere.
  uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char c : path) hash = (hash ^ c) * 0x100000001b3u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

FolderSource scan_folder(const fs::path& folder, const DataConfig& config, const FolderKind& kind) {
  const std::string_view things = samples_word(kind.modality);
  check_folder(folder, things);
  Walk walk{folder, config.deduplicate, kind.endings};
  walk.read(folder);
  check<DataError>(!walk.found.empty() || walk.report.other_files + walk.report.links > 0,
                   "{}: this folder is empty; put {} into it or change data.path", folder.string(), things);
  check<DataError>(
      !walk.found.empty(),
      "{}: no {} among its {} files (looked for names ending in {}, also in sub-folders){}; change data.path",
      folder.string(), kind.one, walk.report.other_files + walk.report.links, kind.shown_endings,
      walk.report.links > 0 ? "; links are skipped by data.deduplicate" : "");

  FolderSource source;
  source.kind = kind.modality;
  source.root = folder;
  source.report = walk.report;
  std::sort(walk.found.begin(), walk.found.end());
  if (config.deduplicate) source.report.duplicates = drop_equal_contents(folder, walk.found);
  source.split_folders = has_split_folders(walk.found);

  std::map<std::string, std::vector<FolderSample>> classes;
  std::unordered_map<uint64_t, std::string_view> ids;
  for (const std::string& path : walk.found) {
    const uint64_t id = path_id(path);
    const auto [other, added] = ids.emplace(id, path);
    check<DataError>(added, "{}: {} and {} have the same id by chance; rename one of them", folder.string(),
                     other->second, path);
    std::string_view below = path;
    FolderSample sample{path, id, id};
    if (source.split_folders) {
      sample.split = split_of(first_folder(path));
      below.remove_prefix(first_folder(path).size() + 1);
    }
    classes[std::string(first_folder(below))].push_back(std::move(sample));
  }
  drop_small_classes(source, config.min_class_files, classes);
  check<DataError>(!classes.empty(), "{}: every class has fewer than data.min_class_files {} {}; lower it",
                   folder.string(), config.min_class_files, things);
  for (auto& [name, samples] : classes) {
    const auto label = name.empty() ? -1 : static_cast<int32_t>(source.classes.size());
    if (!name.empty()) source.classes.push_back(name);
    for (FolderSample& sample : samples) {
      sample.label = label;
      source.samples.push_back(std::move(sample));
    }
  }
  std::sort(source.samples.begin(), source.samples.end(),
            [](const FolderSample& a, const FolderSample& b) { return a.path < b.path; });
  return source;
}

FolderSource subset(const FolderSource& source, std::span<const uint32_t> rows) {
  FolderSource part;
  part.kind = source.kind;
  part.root = source.root;
  part.classes = source.classes;
  part.split_folders = source.split_folders;
  part.report = source.report;
  part.left_out_files = source.left_out_files;
  part.texts = source.texts;
  part.samples.reserve(rows.size());
  for (const uint32_t row : rows) part.samples.push_back(source.samples.at(row));
  return part;
}

std::string FolderSource::describe() const {
  std::string text = fmt::format("{} {} in {}", size(), texts ? "texts" : samples_word(kind), root.string());
  if (!classes.empty()) text += fmt::format(", {} classes", classes.size());
  std::string out;
  const auto add = [&](int64_t count, std::string_view what) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "; left out: " : ", ", count, what);
  };
  add(report.links, "links");
  add(report.duplicates, "of equal content");
  add(report.of_small_classes, fmt::format("in {} small classes", report.small_classes));
  add(report.broken, "broken");
  add(report.too_short, "too short");
  add(report.other_files, "other files");
  return text + out;
}

}  // namespace d2v
