#include "d2v/pipeline/inspect_data.h"

#include <algorithm>
#include <map>
#include <thread>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/label_table.h"
#include "d2v/pipeline/labelled_source.h"
#include "d2v/pipeline/list_source.h"
#include "d2v/pipeline/loader_bench.h"
#include "d2v/pipeline/mixed_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/shard_source.h"
#include "d2v/pipeline/sources.h"
#include "d2v/pipeline/synthetic.h"
#include "d2v/pipeline/token_file.h"
#include "folder_walk.h"
#include "sample_headers.h"
#include "source_figures.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

Counts other_endings(const fs::path& folder, const FolderKind& kind) {
  Counts counts;
  for (const std::string& path : walk_folder(folder, false, [&](const fs::path& file) {
                                   return !has_ending(file, kind.endings);
                                 }).found)
    ++counts[fs::path(path).extension().string()];
  return counts;
}

void inspect_files(const Config& config, const InspectLimits& limits, int64_t threads, DataReport& report) {
  const bool pictures = config.model.modality == Modality::image;
  const fs::path path = config.data.path;
  const bool table = is_label_table(path);
  const FolderSource source = table      ? open_labelled(config)
                              : pictures ? open_pictures(path, config.data)
                                         : list_recordings(path, config.data);
  report.form = table                   ? "a table with labels"
                : source.made           ? "made up"
                : source.shards         ? "tar shards"
                : is_list(path)         ? "a list"
                : !source.given.empty() ? "a manifest"
                                        : "a folder of files";
  count_samples(source, report);
  if (report.form == "a folder of files")
    report.other_endings = other_endings(path, pictures ? pictures_kind() : recordings_kind());
  std::vector<SampleHeader> headers = read_headers(source, config, threads);
  const std::vector<uint32_t> rows =
      some_rows(headers, limits.all ? static_cast<int64_t>(source.size()) : limits.decode);
  try_to_decode(source, config, rows, threads, headers);
  report.decoded = static_cast<int64_t>(rows.size());
  if (pictures) {
    report.pictures = picture_figures(headers, config.image.size);
    report.duplicates = duplicate_figures(source, rows, config, threads);
  } else {
    report.recordings = recording_figures(headers, RecordingLimits(config));
  }
  report.broken.assign(source.left_out_files.begin(), source.left_out_files.end());
  for (uint32_t row = 0; row < headers.size(); ++row)
    if (!headers[row].reason.empty())
      report.broken.push_back({source.name(row), headers[row].reason, 1, true});
  std::sort(report.broken.begin(), report.broken.end(),
            [](const BadFile& a, const BadFile& b) { return a.path < b.path; });
}

// Sentences with labels. Without a vocabulary they are counted, not cut into tokens.
void inspect_text_table(const Config& config, DataReport& report) {
  report.form = "a table with labels";
  const fs::path path = config.data.path;
  if (!config.text.vocabulary.empty()) {
    const FolderSource source = open_labelled(config);
    count_samples(source, report);
    std::vector<double> lengths;
    for (const FolderSample& sample : source.samples) {
      lengths.push_back(static_cast<double>(sample.length));
      report.text.tokens += sample.length;
    }
    report.text.document_tokens = spread_of(std::move(lengths));
    report.text.vocabulary = source.texts->vocabulary.size;
  } else {
    std::map<std::string, int64_t> classes;
    const fs::path file = fs::is_directory(path) ? path / "train.tsv" : path;
    for (const LabelledLine& line : read_label_table(file)) {
      ++classes[line.label];
      ++report.samples;
      report.bytes += line.value.size();
    }
    report.classes.assign(classes.begin(), classes.end());
  }
  report.text.documents = report.samples;
}

void inspect_text(const Config& config, DataReport& report) {
  if (is_synthetic(config.data.path)) {
    const SyntheticSet made = parse_synthetic(config.data.path, Modality::text);
    const auto block = static_cast<double>(config.text.block);
    report.form = "made up";
    report.samples = made.samples;
    report.text = {.tokens = made.samples * config.text.block,
                   .documents = made.samples,
                   .document_tokens = {block, block, block},
                   .vocabulary = made.vocabulary};
    return;
  }
  if (is_label_table(config.data.path)) return inspect_text_table(config, report);
  const TokenFile file(config.data.path);
  std::vector<double> lengths;
  for (int64_t d = 0; d < file.documents(); ++d)
    lengths.push_back(static_cast<double>(file.start(d + 1) - file.start(d)));
  const bool ours = file.vocabulary().size > 0;
  report.form = ours ? "a token file" : "fairseq's .bin and .idx";
  report.samples = file.documents();
  report.bytes = fs::file_size(file.path());
  report.text = {.tokens = file.tokens(),
                 .documents = file.documents(),
                 .document_tokens = spread_of(std::move(lengths)),
                 .vocabulary = ours ? file.vocabulary().size : config.text.vocabulary_size};
}

EpochFigures time_epoch(Config config, double seconds, int64_t threads) {
  EpochFigures epoch{.threads = threads};
  if (seconds == 0) {
    epoch.not_measured = "--seconds 0";
    return epoch;
  }
  try {
    const DataSources sources = open_sources(config);
    epoch.samples = static_cast<int64_t>(sources.train->size());
    config.data.batch = std::min(config.data.batch, epoch.samples);
    config.run.accumulate = 1;
    const LoaderBench bench =
        bench_loader(*sources.train, loader_settings(config, LoaderMode::train), {threads}, seconds, 0);
    const LoaderStats& stats = bench.runs.front().stats;
    check<DataError>(stats.stages.samples > 0, "not one sample in {} s; measure longer with --seconds",
                     seconds);
    epoch.samples_per_second = static_cast<double>(stats.stages.samples) / stats.seconds;
    epoch.seconds = static_cast<double>(epoch.samples) / epoch.samples_per_second;
  } catch (const Error& error) {
    epoch.not_measured = error.what();
  }
  return epoch;
}

// All but the epoch's time.
DataReport inspect_one(const Config& config, const InspectLimits& limits, int64_t threads) {
  DataReport report;
  report.modality = config.model.modality;
  report.path = config.data.path;
  if (config.model.modality == Modality::text) {
    inspect_text(config, report);
  } else {
    inspect_files(config, limits, threads, report);
  }
  return report;
}

DataReport inspect_mix(const Config& config, const InspectLimits& limits, int64_t threads) {
  DataReport report;
  report.modality = config.model.modality;
  report.path = config.data.sources;
  const std::vector<WeightedPath> sources = parse_sources(config.data.sources);
  report.form = fmt::format("a mix of {} sources", sources.size());
  double weights = 0;
  for (const WeightedPath& source : sources) weights += source.weight;
  for (const WeightedPath& source : sources) {
    Config one = config;
    one.data.sources.clear();
    one.data.path = source.path;
    DataReport part = inspect_one(one, limits, threads);
    part.weight = source.weight / weights;
    report.samples += part.samples;
    report.bytes += part.bytes;
    report.decoded += part.decoded;
    report.broken.insert(report.broken.end(), part.broken.begin(), part.broken.end());
    report.parts.push_back(std::move(part));
  }
  return report;
}

}  // namespace

DataReport inspect_data(const Config& given, const InspectLimits& limits) {
  Config config = given;
  config.data.max_bad_fraction = 1;
  config.data.valid.clear();
  const int64_t threads = config.data.threads > 0 ? config.data.threads
                                                  : std::max<int64_t>(1, std::thread::hardware_concurrency());
  const bool mix = config.data.path.empty() && !config.data.sources.empty();
  if (!mix) config.data.sources.clear();
  check<UsageError>(mix || !config.data.path.empty(),
                    "which data? Give a path, or sources with their weights");
  DataReport report = mix ? inspect_mix(config, limits, threads) : inspect_one(config, limits, threads);
  const bool table = !mix && is_label_table(config.data.path);
  report.epoch = table ? EpochFigures{.threads = threads, .not_measured = "tables with labels are for probes"}
                       : time_epoch(config, limits.loader_seconds, threads);
  return report;
}

}  // namespace d2v
