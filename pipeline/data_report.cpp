#include "d2v/pipeline/data_report.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace d2v {
namespace {

constexpr size_t kShownClasses = 5;
constexpr size_t kShownBroken = 50;
constexpr std::array<std::string_view, 4> kSplitNames{"none", "train", "valid", "test"};

bool has_recordings(const DataReport& report) {
  return report.modality == Modality::speech || report.modality == Modality::spectrogram;
}

std::string line(std::string_view label, std::string_view text) {
  return fmt::format("  {:<12} {}\n", label, text);
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"bytes", "kB", "MB", "GB"}) {
    if (bytes < 1000) return fmt::format("{:.{}f} {}", bytes, unit[0] == 'b' ? 0 : 1, unit);
    bytes /= 1000;
  }
  return fmt::format("{:.1f} TB", bytes);
}

std::string time_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string spread_text(const Spread& spread, int digits) {
  return fmt::format("{:.{}f} to {:.{}f}, median {:.{}f}", spread.min, digits, spread.max, digits,
                     spread.median, digits);
}

std::string counts_text(const Counts& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name.empty() ? "no ending" : name, count);
  return text;
}

std::string share_text(int64_t part, int64_t all) {
  return fmt::format("{} ({:.1f} %)", part,
                     100 * static_cast<double>(part) / static_cast<double>(std::max<int64_t>(all, 1)));
}

std::string head(const DataReport& report) {
  const bool text = report.modality == Modality::text;
  std::string out = fmt::format("{}: {}\n", report.path, report.form);
  out += line(text ? "documents" : samples_word(report.modality), fmt::format("{}", report.samples));
  if (report.bytes > 0) {
    std::string size = bytes_text(static_cast<double>(report.bytes));
    if (!text)
      size += fmt::format("; one has {} to {}, median {}", bytes_text(report.sample_bytes.min),
                          bytes_text(report.sample_bytes.max), bytes_text(report.sample_bytes.median));
    out += line("size", size);
  }
  if (report.splits[0] < report.samples && !text)
    out += line("splits", fmt::format("train {}, valid {}, test {}", report.splits[1], report.splits[2],
                                      report.splits[3]));
  return out;
}

std::string picture_lines(const DataReport& report) {
  const PictureFigures& pictures = report.pictures;
  if (pictures.formats.empty()) return {};
  return line("width", spread_text(pictures.width, 0) + " pixels") +
         line("height", spread_text(pictures.height, 0) + " pixels") +
         line("aspect", spread_text(pictures.aspect, 2) + " (width / height)") +
         line("formats", counts_text(pictures.formats)) +
         line("small", fmt::format("{} have a side below image.size {} and are enlarged",
                                   share_text(pictures.below_crop, report.samples), pictures.crop));
}

std::string recording_lines(const DataReport& report) {
  const RecordingFigures& recordings = report.recordings;
  if (recordings.rates.empty()) return {};
  return line("durations", fmt::format("{:.2f} h in all; one has {} s", recordings.hours,
                                       spread_text(recordings.seconds, 2))) +
         line("sample rates", counts_text(recordings.rates)) +
         line("codecs", counts_text(recordings.codecs)) + line("channels", counts_text(recordings.channels)) +
         line("too short",
              fmt::format("{} are below {:.2f} s and are left out",
                          share_text(recordings.too_short, report.samples), recordings.least_seconds));
}

std::string text_lines(const TextFigures& text) {
  return line("tokens",
              fmt::format("{}; a document has {}", text.tokens, spread_text(text.document_tokens, 0))) +
         line("vocabulary", text.vocabulary > 0 ? fmt::format("{} tokens", text.vocabulary)
                                                : "not told by the file: text.vocabulary_size");
}

std::string class_lines(const DataReport& report) {
  const auto& classes = report.classes;
  if (classes.empty()) return line("classes", "none");
  std::string out = line("classes", fmt::format("{}", classes.size()));
  for (size_t i = 0; i < classes.size(); ++i) {
    if (i == kShownClasses && classes.size() > 2 * kShownClasses) {
      i = classes.size() - kShownClasses;
      out += line("", "…");
    }
    out += line("", fmt::format("{} {}", classes[i].second, classes[i].first));
  }
  return out;
}

std::string duplicate_lines(const DataReport& report) {
  const DuplicateFigures& found = report.duplicates;
  if (found.compared == 0) return {};
  std::string text =
      fmt::format("{} pictures look like another one, in {} groups", found.surplus, found.groups);
  const int64_t readable = report.samples - static_cast<int64_t>(report.broken.size());
  if (found.compared < readable)
    text += fmt::format(
        "; only a sample of {} of the {} readable pictures was compared, so most pairs are not seen "
        "(--sample N, "
        "--all)",
        found.compared, readable);
  std::string out = line("duplicates", text);
  for (const auto& group : found.examples) out += line("", fmt::format("{}", fmt::join(group, " = ")));
  return out;
}

// Broken ones and those too short have lines of their own.
std::string left_out_lines(const DataReport& report) {
  ScanReport scan = report.scan;
  scan.broken = scan.too_short = 0;
  std::string text = left_out_words(scan);
  if (!report.other_endings.empty()) text += ": " + counts_text(report.other_endings);
  return text.empty() ? std::string() : line("not taken", text);
}

std::string broken_lines(const DataReport& report) {
  std::string text = fmt::format("{}; ", report.broken.size());
  text += report.decoded >= report.samples - static_cast<int64_t>(report.broken.size())
              ? "all were decoded"
              : fmt::format("all headers were read, a sample of {} was decoded (--all: all)", report.decoded);
  if (report.modality == Modality::text) text = fmt::format("{}", report.broken.size());
  std::string out = line("broken", text);
  for (size_t i = 0; i < std::min(report.broken.size(), kShownBroken); ++i)
    out += line("", fmt::format("{}: {}", report.broken[i].path, report.broken[i].reason));
  if (report.broken.size() > kShownBroken)
    out += line("", fmt::format("… and {} more; --json lists all", report.broken.size() - kShownBroken));
  return out;
}

std::string epoch_line(const EpochFigures& epoch) {
  if (!epoch.not_measured.empty()) return line("epoch", "not measured: " + epoch.not_measured);
  return line(
      "epoch",
      fmt::format("the loader takes about {} for {} samples on this machine: {:.0f} a second with {} {}",
                  time_text(epoch.seconds), epoch.samples, epoch.samples_per_second, epoch.threads,
                  epoch.threads == 1 ? "thread" : "threads"));
}

json spread_json(const Spread& spread) {
  return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

// A mix: every source as by itself, then an epoch of all.
std::string mix_text(const DataReport& report) {
  std::string out = head(report);
  for (const DataReport& part : report.parts)
    out += fmt::format("\n{:.1f} % of what is drawn comes from ", 100 * part.weight) + report_text(part);
  return out + "\n" + epoch_line(report.epoch);
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

std::string report_text(const DataReport& report) {
  if (!report.parts.empty()) return mix_text(report);
  std::string out = head(report);
  if (report.modality == Modality::image) out += picture_lines(report);
  if (has_recordings(report)) out += recording_lines(report);
  if (report.modality == Modality::text) out += text_lines(report.text);
  return out + class_lines(report) + duplicate_lines(report) + left_out_lines(report) + broken_lines(report) +
         (report.weight > 0 ? std::string() : epoch_line(report.epoch));
}

std::string report_json(const DataReport& report) {
  json out{{"path", report.path},
           {"form", report.form},
           {"modality", name_of(report.modality)},
           {"samples", report.samples},
           {"bytes", report.bytes},
           {"sample_bytes", spread_json(report.sample_bytes)},
           {"decoded", report.decoded},
           {"other_endings", report.other_endings}};
  for (size_t i = 0; i < kSplitNames.size(); ++i) out["splits"][kSplitNames[i]] = report.splits[i];
  out["classes"] = json::array();
  for (const auto& [name, count] : report.classes)
    out["classes"].push_back({{"name", name}, {"samples", count}});
  out["broken"] = json::array();
  for (const BadFile& file : report.broken)
    out["broken"].push_back({{"path", file.path}, {"reason", file.reason}});
  const ScanReport& scan = report.scan;
  out["left_out"] = {{"other_files", scan.other_files},
                     {"links", scan.links},
                     {"equal_content", scan.duplicates},
                     {"named_twice", scan.repeated},
                     {"of_small_classes", scan.of_small_classes}};
  if (report.modality == Modality::image) {
    const PictureFigures& pictures = report.pictures;
    out["pictures"] = {{"width", spread_json(pictures.width)},
                       {"height", spread_json(pictures.height)},
                       {"aspect", spread_json(pictures.aspect)},
                       {"formats", pictures.formats},
                       {"image_size", pictures.crop},
                       {"below_image_size", pictures.below_crop}};
    const DuplicateFigures& found = report.duplicates;
    out["near_duplicates"] = {{"compared", found.compared},
                              {"groups", found.groups},
                              {"surplus", found.surplus},
                              {"examples", found.examples}};
  }
  if (has_recordings(report)) {
    const RecordingFigures& recordings = report.recordings;
    out["recordings"] = {{"hours", recordings.hours},        {"seconds", spread_json(recordings.seconds)},
                         {"rates", recordings.rates},        {"codecs", recordings.codecs},
                         {"channels", recordings.channels},  {"least_seconds", recordings.least_seconds},
                         {"too_short", recordings.too_short}};
  }
  if (report.modality == Modality::text)
    out["text"] = {{"tokens", report.text.tokens},
                   {"documents", report.text.documents},
                   {"document_tokens", spread_json(report.text.document_tokens)},
                   {"vocabulary", report.text.vocabulary}};
  const EpochFigures& epoch = report.epoch;
  out["epoch"] = {{"threads", epoch.threads},
                  {"samples", epoch.samples},
                  {"samples_per_second", epoch.samples_per_second},
                  {"seconds", epoch.seconds},
                  {"not_measured", epoch.not_measured}};
  if (report.weight > 0) out["weight"] = report.weight;
  for (const DataReport& part : report.parts) out["sources"].push_back(json::parse(report_json(part)));
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";  // names may be no UTF-8
}

}  // namespace d2v
