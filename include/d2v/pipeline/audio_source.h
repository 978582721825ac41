// An audio folder as a list of samples: folder_source.h, with the length of every recording.
#pragma once

#include <filesystem>

#include "d2v/base/config.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

// Which recordings can be used, and what for.
struct RecordingLimits {
  explicit RecordingLimits(const SpeechConfig& speech);
  explicit RecordingLimits(const SpectrogramConfig& spectrogram);
  explicit RecordingLimits(const Config& config);  // that of model.modality

  Modality modality;
  int64_t sample_rate;
  double min_seconds;
  int64_t frame;  // samples of one frame: no recording can be shorter
};

struct LengthScan {
  std::filesystem::path cache;  // file with the lengths of an earlier scan, made or renewed; empty: none
  int64_t threads = 0;          // 0: all cores
};

FolderKind recordings_kind();

// scan_folder for recordings. Headers are read in parallel, of files that the cache does not know by size and time of
// change. Left out by name, with the reason, in left_out_files: recordings without a usable header, and those shorter
// than the limits' seconds or than one frame. Throws DataError where no recording is left, or where more than
// data.max_bad_fraction are broken (naming the first).
FolderSource scan_recordings(const std::filesystem::path& folder, const DataConfig& data,
                             const RecordingLimits& limits, const LengthScan& scan);
FolderSource scan_recordings(const std::filesystem::path& folder, const DataConfig& data,
                             const SpeechConfig& speech, const LengthScan& scan);

// The same for recordings that are listed already: gives them their lengths and takes out of the list what cannot be used.
void keep_usable_recordings(FolderSource& source, const DataConfig& data, const RecordingLimits& limits,
                            const LengthScan& scan);

// $D2V_CACHE (else ~/.cache/d2v) / lengths / a name made of the folder's path.
std::filesystem::path length_cache_file(const std::filesystem::path& folder);

}  // namespace d2v
