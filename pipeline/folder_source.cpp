#include "d2v/pipeline/folder_source.h"

#include "content_duplicates.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/shard_source.h"
#include "d2v/pipeline/synthetic.h"
#include "folder_walk.h"
#include "listed_samples.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

void check_folder(const fs::path& folder, std::string_view things) {
  check_exists(folder, things);
  check<DataError>(fs::is_directory(folder),
                   "{}: is a file, expected a folder of {}; give the folder it is in, {}", folder.string(),
                   things, folder.has_parent_path() ? folder.parent_path().string() : ".");
}

int64_t drop_equal_files(const fs::path& root, std::vector<std::string>& paths) {
  return drop_marked(
      paths,
      repeated_contents(
          {.count = paths.size(),
           .size =
               [&](size_t i) {
                 std::error_code error;
                 const uint64_t size = fs::file_size(root / paths[i], error);
                 return error ? std::nullopt : std::optional(size);
               },
           .read = [&](size_t i, std::vector<uint8_t>& bytes) { read_bytes(root / paths[i], bytes); }}));
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
  WalkedFolder walked = walk_folder(folder, config.deduplicate,
                                    [&](const fs::path& path) { return has_ending(path, kind.endings); });
  const int64_t others = walked.report.other_files + walked.report.links;
  check<DataError>(!walked.found.empty() || others > 0,
                   "{}: this folder is empty; put {} into it or change data.path", folder.string(), things);
  check<DataError>(
      !walked.found.empty(),
      "{}: no {} among its {} files (looked for names ending in {}, also in sub-folders){}; change data.path",
      folder.string(), kind.one, others, kind.shown_endings,
      walked.report.links > 0 ? "; links are skipped by data.deduplicate" : "");

  FolderSource source;
  source.kind = kind.modality;
  source.root = folder;
  source.report = walked.report;
  source.other_files = name_others(
      folder, walked,
      fmt::format("not a {} by its name (looked for names ending in {})", kind.one, kind.shown_endings));
  if (config.deduplicate) source.report.duplicates = drop_equal_files(folder, walked.found);
  source.split_folders = has_split_folders(walked.found);
  std::vector<ListedSample> listed;
  for (std::string& path : walked.found) {
    ListedSample one;
    std::string_view below = path;
    if (source.split_folders) {
      one.sample.split = split_of(first_folder(path));
      below.remove_prefix(first_folder(path).size() + 1);
    }
    one.class_name = first_folder(below);
    one.sample.path = std::move(path);
    listed.push_back(std::move(one));
  }
  add_listed(source, std::move(listed), config);
  return source;
}

ByteSource FolderSource::bytes_of(size_t row, std::vector<uint8_t>& memory) const {
  const FolderSample& sample = samples[row];
  if (shards) return shards->bytes_of(static_cast<size_t>(sample.entry));
  if (!made) return file(row);
  made->make_file(sample.entry, memory);
  return ByteSource(memory, file(row).string());
}

void FolderSource::read(size_t row, std::vector<uint8_t>& bytes) const {
  if (made) return made->make_file(samples[row].entry, bytes);
  read_bytes(bytes_of(row, bytes), bytes);
}

ByteStamp FolderSource::stamp(size_t row) const {
  if (made) return {};
  if (shards) return shards->stamp(static_cast<size_t>(samples[row].entry));
  std::error_code error;
  return {fs::file_size(file(row), error), fs::last_write_time(file(row), error).time_since_epoch().count()};
}

FolderSource subset(const FolderSource& source, std::span<const uint32_t> rows) {
  FolderSource part;
  part.kind = source.kind;
  part.root = source.root;
  part.classes = source.classes;
  part.split_folders = source.split_folders;
  part.report = source.report;
  part.left_out_files = source.left_out_files;
  part.other_files = source.other_files;
  part.given = source.given;
  part.texts = source.texts;
  part.shards = source.shards;
  part.made = source.made;
  part.samples.reserve(rows.size());
  for (const uint32_t row : rows) part.samples.push_back(source.samples.at(row));
  return part;
}

std::string left_out_words(const ScanReport& report) {
  std::string out;
  const auto add = [&](int64_t count, std::string_view what) {
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, what);
  };
  add(report.links, "links");
  add(report.duplicates, "of equal content");
  add(report.repeated, "named twice");
  add(report.of_small_classes, fmt::format("in {} small classes", report.small_classes));
  add(report.broken, "broken");
  add(report.too_short, "too short");
  add(report.other_files, "other files");
  return out;
}

std::string FolderSource::describe() const {
  std::string text = fmt::format("{} {} in {}", size(), texts ? "texts" : samples_word(kind),
                                 given.empty() ? root.string() : given);
  if (!classes.empty()) text += fmt::format(", {} classes", classes.size());
  const std::string left_out = left_out_words(report);
  return left_out.empty() ? text : text + "; left out: " + left_out;
}

}  // namespace d2v
