#include "d2v/pipeline/shard_source.h"

#include <algorithm>
#include <unordered_map>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "content_duplicates.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/shard_index.h"
#include "folder_walk.h"
#include "listed_samples.h"
#include "record_cache.h"
#include "tsan.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

bool is_shard(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".tar") || name.ends_with(".tar.gz") || name.ends_with(".tgz");
}

// A shard that was listed, or why it was not.
struct Listed {
  OpenShard open;
  uint64_t bytes = 0;
  std::string reason;
};

std::vector<Listed> list_all(const fs::path& root, const std::vector<std::string>& paths,
                             const ShardScan& scan) {
  std::vector<Listed> shards(paths.size());
  const auto list = [&](size_t i) {
    std::error_code error;
    shards[i].bytes = fs::file_size(root / paths[i], error);
    if (error) shards[i].bytes = 0;
    try {
      shards[i].open = open_shard(root / paths[i], scan.cache);
    } catch (const DataError& failure) {
      shards[i].reason = failure.what();
    }
  };
  tbb::task_arena arena(scan.threads > 0 ? static_cast<int>(scan.threads) : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(size_t{0}, paths.size(), tsan::Task(list)); });
  tsan::received(&list);
  return shards;
}

void report_bad(FolderSource& source, const std::vector<std::string>& paths,
                const std::vector<Listed>& shards, double max_fraction) {
  double all = 0, lost = 0;
  std::string first;
  for (size_t i = 0; i < shards.size(); ++i) {
    const TarListing& listing = shards[i].open.index.listing;
    all += static_cast<double>(shards[i].bytes);
    if (!shards[i].reason.empty()) {
      lost += static_cast<double>(shards[i].bytes);
      source.left_out_files.push_back({paths[i], shards[i].reason, 1, true});
    } else if (listing.lost > 0) {
      lost += static_cast<double>(listing.lost) / static_cast<double>(shards[i].open.index.tar_bytes) *
              static_cast<double>(shards[i].bytes);
    }
    for (const BadFile& bad : listing.bad)
      source.left_out_files.push_back({paths[i] + "/" + bad.path, bad.reason, bad.count, bad.broken});
    if (first.empty() && lost > 0)
      first = shards[i].reason.empty() ? listing.bad.back().reason : shards[i].reason;
  }
  std::sort(source.left_out_files.begin(), source.left_out_files.end(),
            [](const BadFile& a, const BadFile& b) { return a.path < b.path; });
  source.report.broken = std::count_if(source.left_out_files.begin(), source.left_out_files.end(),
                                       [](const BadFile& file) { return file.broken; });
  check<DataError>(lost <= max_fraction * all,
                   "{}: {:.2f}% of the bytes of its {} shards are lost to damage, more than "
                   "data.max_bad_fraction {} allows; make them again or remove them, or raise that option. "
                   "The first: {}",
                   source.root.string(), 100 * lost / std::max(all, 1.0), shards.size(), max_fraction, first);
}

// What the entries of one key come to.
struct Gathered {
  int64_t media = -1;  // entry of the index
  bool plain = false;  // its ending is the whole extension
  int64_t files = 0;   // that are not labels
  std::string cls, json;
};

// Adds the samples of one shard to `listed` and their entries to `entries`.
void gather(const ShardIndex& index, uint32_t shard, const std::string& path, const FolderKind& kind,
            FolderSource& source, ShardEntries& entries, std::vector<ListedSample>& listed) {
  std::unordered_map<std::string, Gathered> samples;
  std::vector<std::string> order;
  for (size_t i = 0; i < index.listing.entries.size(); ++i) {
    const SampleKey key = sample_key(index.listing.entries[i].name);
    const auto [at, added] = samples.try_emplace(key.key);
    if (added) order.push_back(key.key);
    Gathered& sample = at->second;
    if (key.extension == "cls" || key.extension == "json") continue;
    ++sample.files;
    const bool plain = key.extension.find('.') == std::string::npos;
    const bool better = sample.media < 0 || (plain && !sample.plain);
    if (!better || !has_ending("_." + key.extension, kind.endings)) continue;
    sample.media = static_cast<int64_t>(i);
    sample.plain = plain;
  }
  for (const ShardLabel& label : index.labels) {
    const SampleKey key = sample_key(index.listing.entries[label.entry].name);
    std::string& text = key.extension == "cls" ? samples[key.key].cls : samples[key.key].json;
    if (text.empty()) text = label.text;
  }
  for (const std::string& key : order) {
    const Gathered& sample = samples[key];
    source.report.other_files += sample.files - (sample.media >= 0 ? 1 : 0);
    if (sample.media < 0) continue;
    const TarEntry& entry = index.listing.entries[static_cast<size_t>(sample.media)];
    ListedSample one;
    one.sample.path = path + "/" + key;
    one.sample.entry = static_cast<int64_t>(entries.entries.size());
    one.class_name = sample.cls.empty() ? sample.json : sample.cls;
    entries.entries.push_back({shard, entry.first, entry.bytes, entry.name});
    listed.push_back(std::move(one));
  }
  source.report.other_files += index.listing.others;
}

// Of the key, without the shard's own path.
void use_folders_as_classes(const ShardEntries& entries, std::vector<ListedSample>& listed) {
  for (ListedSample& one : listed)
    one.class_name = first_folder(entries.entries[static_cast<size_t>(one.sample.entry)].name);
}

int64_t drop_equal_entries(const ShardEntries& entries, std::vector<ListedSample>& listed) {
  const auto entry = [&](size_t i) { return static_cast<size_t>(listed[i].sample.entry); };
  return drop_marked(
      listed,
      repeated_contents(
          {.count = listed.size(),
           .size = [&](size_t i) { return std::optional<uint64_t>(entries.entries[entry(i)].bytes); },
           .read = [&](size_t i,
                       std::vector<uint8_t>& bytes) { read_bytes(entries.bytes_of(entry(i)), bytes); }}));
}

std::vector<std::string> paths_of_shards(const fs::path& path, const DataConfig& config,
                                         const FolderKind& kind, FolderSource& source) {
  if (!fs::is_directory(path)) {
    source.root = path.parent_path();
    source.given = path.string();
    return {path.filename().string()};
  }
  source.root = path;
  int64_t loose = 0;
  WalkedFolder walked = walk_folder(path, config.deduplicate, [&](const fs::path& file) {
    if (!is_shard(file) && has_ending(file, kind.endings)) ++loose;
    return is_shard(file);
  });
  check<DataError>(
      loose == 0 || walked.found.empty(),
      "{}: holds tar shards, {} and others, but also {} loose {}; move one or the other out, or give "
      "the name of a shard",
      path.string(), walked.found.empty() ? "" : walked.found.front(), loose, samples_word(kind.modality));
  source.report = walked.report;
  return std::move(walked.found);
}

}  // namespace

ByteSource ShardEntries::bytes_of(size_t entry) const {
  const Entry& e = entries[entry];
  const Shard& shard = shards[e.shard];
  ByteSource source(shard.tar);
  source.shown = shard.shown + ": " + e.name;
  source.first = e.first;
  source.bytes = e.bytes;
  source.changed = shard.changed;
  return source;
}

ByteStamp ShardEntries::stamp(size_t entry) const {
  return {entries[entry].bytes, shards[entries[entry].shard].changed};
}

bool has_shards(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return is_shard(path);
  for (const char* part : {".", "train", "val", "valid", "validation", "test"}) {
    fs::directory_iterator files(path / part, error);
    if (!error && std::any_of(begin(files), end(files), [](const fs::directory_entry& file) {
          return is_shard(file.path()) && !file.path().filename().string().starts_with('.');
        }))
      return true;
  }
  return false;
}

FolderSource scan_shards(const fs::path& path, const DataConfig& config, const FolderKind& kind,
                         const ShardScan& scan) {
  check_exists(path, samples_word(kind.modality));
  FolderSource source;
  source.kind = kind.modality;
  const std::vector<std::string> paths = paths_of_shards(path, config, kind, source);
  check<DataError>(!paths.empty(), "{}: no shards (.tar, .tar.gz, .tgz) in this folder", path.string());
  const std::vector<Listed> shards = list_all(source.root, paths, scan);
  report_bad(source, paths, shards, config.max_bad_fraction);

  auto entries = std::make_shared<ShardEntries>();
  std::vector<ListedSample> listed;
  source.split_folders = has_split_folders(paths);
  for (size_t i = 0; i < shards.size(); ++i) {
    const OpenShard& open = shards[i].open;
    std::error_code error;
    entries->shards.push_back({open.tar, (source.root / paths[i]).string(),
                               fs::last_write_time(open.tar, error).time_since_epoch().count()});
    const size_t before = listed.size();
    gather(open.index, static_cast<uint32_t>(i), paths[i], kind, source, *entries, listed);
    if (!source.split_folders) continue;
    for (size_t k = before; k < listed.size(); ++k) listed[k].sample.split = split_of(first_folder(paths[i]));
  }
  check<DataError>(!listed.empty(),
                   "{}: no {} among the entries of its {} shards (looked for endings {}); {}", path.string(),
                   kind.one, shards.size(), kind.shown_endings,
                   source.left_out_files.empty() ? "change data.path" : source.left_out_files.front().reason);
  const bool labelled = std::any_of(listed.begin(), listed.end(),
                                    [](const ListedSample& one) { return !one.class_name.empty(); });
  if (!labelled) use_folders_as_classes(*entries, listed);
  if (config.deduplicate) source.report.duplicates += drop_equal_entries(*entries, listed);
  add_listed(source, std::move(listed), config);
  source.shards = std::move(entries);
  return source;
}

fs::path shard_cache_folder() { return cache_root() / "shards"; }

}  // namespace d2v
