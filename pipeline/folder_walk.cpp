#include "folder_walk.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>

#include "d2v/base/check.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

struct Walk {
  const fs::path& root;
  bool skip_links;
  const std::function<bool(const fs::path&)>& counts;
  WalkedFolder result{};
  std::set<std::string> others{};
  std::vector<fs::path> above{};  // real paths of the folders being read: a link to one of them is a circle

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
        if (directory || counts(entry.path())) ++result.report.links;
        continue;
      }
      if (directory) {
        read(entry.path());
      } else if (counts(entry.path())) {  // links to nowhere too: the reader names them
        result.found.push_back(entry.path().lexically_relative(root).generic_string());
      } else {
        ++result.report.other_files;
        others.insert(entry.path().lexically_relative(root).generic_string());
        if (others.size() > kMostNamed) others.erase(std::prev(others.end()));
      }
    }
    above.pop_back();
  }
};

}  // namespace

WalkedFolder walk_folder(const fs::path& root, bool skip_links,
                         const std::function<bool(const fs::path&)>& counts) {
  Walk walk{root, skip_links, counts};
  walk.read(root);
  std::sort(walk.result.found.begin(), walk.result.found.end());
  walk.result.others.assign(walk.others.begin(), walk.others.end());
  return std::move(walk.result);
}

std::vector<BadFile> name_others(const fs::path& root, const WalkedFolder& walked, std::string_view reason) {
  std::vector<BadFile> files;
  for (const std::string& path : walked.others)
    files.push_back({path, fmt::format("{}: {}", (root / path).string(), reason), 1, false});
  const auto unnamed = walked.report.other_files - static_cast<int64_t>(files.size());
  if (unnamed > 0)
    files.push_back(
        {"…", fmt::format("{}: {} more files: {}", root.string(), unnamed, reason), unnamed, false});
  return files;
}

void check_exists(const fs::path& path, std::string_view things) {
  std::error_code error;
  check<UsageError>(!path.empty(), "data.path is not set; give a folder of {}: --data.path DIR", things);
  check<DataError>(fs::exists(fs::status(path, error)), "{}: no such folder; check data.path", path.string());
}

bool has_ending(const fs::path& path, std::span<const std::string_view> endings) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

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

}  // namespace d2v
