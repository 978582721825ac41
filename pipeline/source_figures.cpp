#include "source_figures.h"

#include <algorithm>
#include <array>
#include <map>

#include "d2v/pipeline/near_duplicates.h"

namespace d2v {
namespace {

constexpr int64_t kMostCompared = 50'000;  // comparing takes time by the square
constexpr size_t kExamples = 5;

}  // namespace

PictureFigures picture_figures(const std::vector<SampleHeader>& headers, int64_t crop) {
  PictureFigures figures{.crop = crop};
  std::vector<double> widths, heights, aspects;
  constexpr std::array<const char*, 8> names{"JPEG", "PNG", "WebP", "BMP",
                                             "GIF",  "TGA", "PNM",  "unsupported"};
  for (const SampleHeader& header : headers) {
    if (!header.reason.empty()) continue;
    const ImageInfo& info = header.picture;
    widths.push_back(static_cast<double>(info.width));
    heights.push_back(static_cast<double>(info.height));
    aspects.push_back(widths.back() / heights.back());
    ++figures.formats[names[static_cast<size_t>(info.format)]];
    figures.below_crop += std::min(info.width, info.height) < crop;
  }
  figures.width = spread_of(std::move(widths));
  figures.height = spread_of(std::move(heights));
  figures.aspect = spread_of(std::move(aspects));
  return figures;
}

RecordingFigures recording_figures(const std::vector<SampleHeader>& headers, const RecordingLimits& limits) {
  RecordingFigures figures;
  figures.least_seconds = std::max(
      limits.min_seconds, static_cast<double>(limits.frame) / static_cast<double>(limits.sample_rate));
  std::vector<double> seconds;
  for (const SampleHeader& header : headers) {
    if (!header.reason.empty()) continue;
    const AudioInfo& info = header.recording;
    seconds.push_back(static_cast<double>(info.samples) / static_cast<double>(info.rate));
    figures.hours += seconds.back() / 3600;
    ++figures.rates[std::to_string(info.rate)];
    ++figures.codecs[info.codec];
    ++figures.channels[std::to_string(info.channels)];
    figures.too_short += seconds.back() < figures.least_seconds;
  }
  figures.seconds = spread_of(std::move(seconds));
  return figures;
}

DuplicateFigures duplicate_figures(const FolderSource& source, std::vector<uint32_t> rows,
                                   const Config& config, int64_t threads) {
  rows.resize(std::min(rows.size(), static_cast<size_t>(kMostCompared)));
  ImageSource part = subset(source, rows);
  group_near_duplicates(part, config.data.max_pixels, threads);
  std::map<uint64_t, std::vector<std::string>> groups;
  for (const FolderSample& sample : part.samples) groups[sample.group].push_back(sample.path);
  DuplicateFigures figures{.compared = static_cast<int64_t>(rows.size())};
  for (auto& [id, names] : groups) {
    if (names.size() < 2) continue;
    ++figures.groups;
    figures.surplus += static_cast<int64_t>(names.size()) - 1;
    if (figures.examples.size() < kExamples) figures.examples.push_back(std::move(names));
  }
  return figures;
}

// What is told without opening a sample.
void count_samples(const FolderSource& source, DataReport& report) {
  report.samples = static_cast<int64_t>(source.size());
  report.scan = source.report;
  std::vector<double> sizes;
  std::vector<int64_t> classes(source.classes.size());
  for (uint32_t row = 0; row < source.size(); ++row) {
    const uint64_t bytes = source.stamp(row).bytes;
    if (bytes != static_cast<uint64_t>(-1)) {  // of files that are not there
      report.bytes += bytes;
      sizes.push_back(static_cast<double>(bytes));
    }
    ++report.splits[static_cast<size_t>(source.samples[row].split)];
    if (source.label(row) >= 0) ++classes[static_cast<size_t>(source.label(row))];
  }
  report.sample_bytes = spread_of(std::move(sizes));
  for (size_t i = 0; i < classes.size(); ++i) report.classes.emplace_back(source.classes[i], classes[i]);
  std::stable_sort(report.classes.begin(), report.classes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
}

}  // namespace d2v
