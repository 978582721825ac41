#include "d2v/pipeline/audio_source.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "d2v/base/conv_layers.h"
#include "d2v/base/log.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/resampler.h"
#include "d2v/pipeline/spectrogram.h"
#include "d2v/pipeline/synthetic.h"
#include "length_cache.h"
#include "record_cache.h"
#include "tsan.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr std::array<std::string_view, 32> kEndings{
    ".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga",  ".opus", ".m4a", ".aac",  ".mp4", ".wma",
    ".aif", ".aiff", ".aifc", ".afc", ".au",  ".snd",  ".caf",  ".w64", ".rf64", ".amr", ".ac3",
    ".wv",  ".ape",  ".tta",  ".mka", ".mkv", ".webm", ".mov",  ".m4b", ".3gp",  ".mp2"};

CachedLength stamp_of(const FolderSource& source, uint32_t row) {
  const ByteStamp stamp = source.stamp(row);
  return {.id = source.samples[row].id, .bytes = stamp.bytes, .changed = stamp.changed};
}

struct Scanned {
  std::vector<CachedLength> lengths;  // by row; samples 0: broken
  std::vector<std::string> reasons;
};

Scanned lengths_of_made(const FolderSource& source) {
  Scanned scanned{std::vector<CachedLength>(source.size()), std::vector<std::string>(source.size())};
  for (size_t row = 0; row < source.size(); ++row) {
    scanned.lengths[row].rate = source.made->rate;
    scanned.lengths[row].samples = source.made->recording_samples(source.samples[row].entry);
  }
  return scanned;
}

// A manifest that tells other lengths than the files was made from other files, or of another rate.
void compare_with_manifest(const FolderSource& source, const Scanned& scanned) {
  int64_t others = 0;
  std::string first;
  for (uint32_t row = 0; row < source.size(); ++row) {
    const int64_t told = source.samples[row].length, found = scanned.lengths[row].samples;
    if (told == 0 || found == 0 || told == found) continue;
    if (others++ == 0) first = fmt::format("{} has {} samples, not {}", source.name(row), found, told);
  }
  if (others > 0)
    log_warning(
        "{}: {} of {} recordings are not as long as it says; their own lengths are used. The first: {}",
        source.given, others, source.size(), first);
}

Scanned scan_lengths(const FolderSource& source, const LengthScan& settings) {
  if (source.made) return lengths_of_made(source);
  const std::unordered_map<uint64_t, CachedLength> known = read_length_cache(settings.cache);
  const auto count = static_cast<uint32_t>(source.size());
  Scanned scanned{std::vector<CachedLength>(count), std::vector<std::string>(count)};
  std::vector<char> read(count, 0);
  const auto scan = [&](uint32_t row) {
    CachedLength& length = scanned.lengths[row] = stamp_of(source, row);
    const auto old = known.find(length.id);
    if (old != known.end() && old->second.bytes == length.bytes && old->second.changed == length.changed) {
      length = old->second;
    } else {
      try {
        std::vector<uint8_t> memory;
        const AudioInfo info = read_audio_info(source.bytes_of(row, memory));
        length.rate = info.rate;
        length.samples = info.samples;
        read[row] = 1;
      } catch (const DataError& error) {
        scanned.reasons[row] = error.what();
      }
    }
  };
  tbb::task_arena arena(settings.threads > 0 ? static_cast<int>(settings.threads)
                                             : tbb::task_arena::automatic);
  arena.execute([&] { tbb::parallel_for(uint32_t{0}, count, tsan::Task(scan)); });
  tsan::received(&scan);
  if (settings.cache.empty() || std::count(read.begin(), read.end(), 1) == 0) return scanned;
  try {
    std::vector<CachedLength> good;
    for (const CachedLength& length : scanned.lengths)
      if (length.samples > 0) good.push_back(length);
    write_length_cache(settings.cache, good);
  } catch (const StorageError& error) {
    log_warning("the lengths of the recordings are not kept for the next time: {}", error.what());
  }
  return scanned;
}

void check_broken(const FolderSource& source, size_t all, double max_fraction) {
  const auto broken = static_cast<double>(source.report.broken);
  if (broken <= max_fraction * static_cast<double>(all)) return;
  const auto first = std::find_if(source.left_out_files.begin(), source.left_out_files.end(),
                                  [](const BadFile& file) { return file.broken; });
  fail<DataError>(
      "{}: {} of {} recordings cannot be read, more than data.max_bad_fraction {} allows; mend or remove "
      "them, or "
      "raise that option. The first: {}",
      source.root.string(), source.report.broken, all, max_fraction, first->reason);
}

}  // namespace

RecordingLimits::RecordingLimits(const SpeechConfig& speech)
    : modality(Modality::speech),
      sample_rate(speech.sample_rate),
      min_seconds(speech.min_seconds),
      frame(conv_samples(parse_conv_layers(speech.conv_layers), 1)) {}

RecordingLimits::RecordingLimits(const SpectrogramConfig& spectrogram)
    : modality(Modality::spectrogram),
      sample_rate(spectrogram.sample_rate),
      min_seconds(spectrogram.min_seconds),
      frame(spectrogram_samples(spectrogram, 1)) {}

RecordingLimits::RecordingLimits(const Config& config)
    : RecordingLimits(config.model.modality == Modality::spectrogram ? RecordingLimits(config.spectrogram)
                                                                     : RecordingLimits(config.speech)) {}

FolderKind recordings_kind() {
  return {.modality = Modality::speech,
          .one = "recording",
          .endings = kEndings,
          .shown_endings = ".wav, .flac, .mp3, .ogg, .opus, .m4a and more"};
}

FolderSource scan_recordings(const fs::path& folder, const DataConfig& data, const SpeechConfig& speech,
                             const LengthScan& settings) {
  return scan_recordings(folder, data, RecordingLimits(speech), settings);
}

FolderSource scan_recordings(const fs::path& folder, const DataConfig& data, const RecordingLimits& limits,
                             const LengthScan& settings) {
  FolderSource source = scan_folder(folder, data, recordings_kind());
  keep_usable_recordings(source, data, limits, settings);
  return source;
}

void keep_usable_recordings(FolderSource& source, const DataConfig& data, const RecordingLimits& limits,
                            const LengthScan& settings) {
  const Scanned scanned = scan_lengths(source, settings);
  source.kind = limits.modality;
  compare_with_manifest(source, scanned);
  const auto rate = static_cast<double>(limits.sample_rate);
  const int64_t least = std::max(static_cast<int64_t>(limits.min_seconds * rate), limits.frame);
  std::vector<FolderSample> kept;
  for (uint32_t row = 0; row < source.size(); ++row) {
    FolderSample& sample = source.samples[row];
    const CachedLength& length = scanned.lengths[row];
    if (length.samples == 0) {
      ++source.report.broken;
      source.left_out_files.push_back({sample.path, scanned.reasons[row], 1, true});
      continue;
    }
    sample.length = resampled_length(length.samples, length.rate, limits.sample_rate);
    if (sample.length < least) {
      ++source.report.too_short;
      source.left_out_files.push_back(
          {sample.path,
           fmt::format("{}: {:.2f} s are shorter than {:.2f} s ({}.min_seconds, or one frame)",
                       source.file(row).string(), static_cast<double>(sample.length) / rate,
                       static_cast<double>(least) / rate, name_of(limits.modality)),
           1, false});
      continue;
    }
    kept.push_back(std::move(sample));
  }
  const size_t all = source.size();
  source.samples = std::move(kept);
  check_broken(source, all, data.max_bad_fraction);
  check<DataError>(!source.samples.empty(),
                   "{}: none of its {} recordings is at least {:.2f} s long; lower {}.min_seconds or change "
                   "data.path. The first: {}",
                   source.root.string(), all, static_cast<double>(least) / rate, name_of(limits.modality),
                   source.left_out_files.empty() ? "" : source.left_out_files.front().reason);
}

fs::path length_cache_file(const fs::path& folder) {
  std::error_code error;
  return cache_root() / "lengths" /
         fmt::format("{:016x}.bin", path_id(fs::weakly_canonical(folder, error).string()));
}

}  // namespace d2v
