#include "d2v/pipeline/guess_modality.h"

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/list_source.h"
#include "d2v/pipeline/shard_index.h"
#include "d2v/pipeline/shard_source.h"
#include "d2v/pipeline/synthetic.h"
#include "folder_walk.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

struct Tally {
  int64_t pictures = 0;
  int64_t recordings = 0;

  void add(const fs::path& name) {
    pictures += has_ending(name, pictures_kind().endings);
    recordings += has_ending(name, recordings_kind().endings);
  }
};

bool is_token_file(const fs::path& path) {
  std::error_code error;
  const auto with = [&](const char* ending) { return fs::exists(fs::path(path.string() + ending), error); };
  const fs::path ending = path.extension();
  return ending == ".d2vtok" || ending == ".bin" || ending == ".idx" || (with(".bin") && with(".idx"));
}

void add_shard(const fs::path& shard, Tally& tally) {
  try {
    for (const TarEntry& entry : open_shard(shard, shard_cache_folder()).index.listing.entries)
      tally.add(entry.name);
  } catch (const DataError&) {
    // Who opens the data set says what is wrong.
  }
}

}  // namespace

Modality guess_modality(const fs::path& path) {
  std::error_code error;
  if (is_synthetic(path)) return Modality::image;
  if (is_token_file(path)) return Modality::text;
  if (!manifests_of(path).empty()) return Modality::speech;
  Tally tally;
  if (fs::is_directory(path, error)) {
    std::vector<fs::path> shards;
    walk_folder(path, false, [&](const fs::path& file) {
      tally.add(file);
      if (has_shards(file)) shards.push_back(file);
      return false;
    });
    for (const fs::path& shard : shards) {
      if (tally.pictures + tally.recordings > 0) break;
      add_shard(shard, tally);
    }
  } else if (fs::exists(path, error)) {
    if (has_shards(path)) add_shard(path, tally);
    if (is_list(path)) {
      constexpr uint64_t most = uint64_t{1} << 32;
      for (const ListedPath& one : parse_list(read_file(path, most), path.string()).paths)
        tally.add(one.path);
    }
  }
  return tally.recordings > tally.pictures ? Modality::speech : Modality::image;
}

}  // namespace d2v
