#include "d2v/pipeline/open_samples.h"

#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/list_source.h"
#include "d2v/pipeline/shard_source.h"
#include "d2v/pipeline/synthetic.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

// All but manifests.
FolderSource open_any(const fs::path& path, const DataConfig& config, const FolderKind& kind) {
  if (is_synthetic(path)) return synthetic_source(path.string(), kind.modality, config);
  if (has_shards(path))
    return scan_shards(path, config, kind, {.cache = shard_cache_folder(), .threads = config.threads});
  if (is_list(path)) return read_list(path, config, kind.modality);
  return scan_folder(path, config, kind);
}

}  // namespace

FolderSource open_pictures(const fs::path& path, const DataConfig& config) {
  return open_any(path, config, pictures_kind());
}

FolderSource list_recordings(const fs::path& path, const DataConfig& config) {
  const auto manifests = manifests_of(path);
  return manifests.empty() ? open_any(path, config, recordings_kind()) : read_manifests(manifests, config);
}

FolderSource open_recordings(const fs::path& path, const DataConfig& config, const RecordingLimits& limits,
                             const LengthScan& scan) {
  FolderSource source = list_recordings(path, config);
  keep_usable_recordings(source, config, limits, scan);
  return source;
}

}  // namespace d2v
