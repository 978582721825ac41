#include "d2v/train/run_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <sstream>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/train/checkpoint_files.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kMetricsLimit = uint64_t{4} << 30;

std::string listed(const std::vector<Difference>& differences) {
  std::string out;
  for (const Difference& d : differences)
    out += fmt::format("\n  {}: the run has {}, now {}", d.key, d.a, d.b);
  return out;
}

void check_same_run(const fs::path& dir, const Config& config) {
  Config saved;
  auto table = option_table(saved);
  apply_source(table, dir / kConfigFile);
  const auto differences = conflicts(saved, config);
  check<UsageError>(differences.empty(),
                    "{} holds a run of another configuration:{}\nChoose another run.dir, give these the "
                    "run's values, or start from its weights with --init.from {}",
                    dir.string(), listed(differences), dir.string());
}

}  // namespace

bool may_change(const std::string& key) {
  static constexpr std::array<std::string_view, 4> sections{"checkpoint.", "health.", "probe.", "init."};
  // text.vocabulary is a place; a checkpoint keeps a hash of what was there.
  static constexpr std::array<std::string_view, 14> keys{
      "run.dir",         "run.stop_at",  "run.resume",      "run.threads",   "run.log_every",
      "run.valid_every", "data.path",    "data.threads",    "data.prefetch", "data.max_bad_fraction",
      "data.max_pixels", "data.sources", "text.vocabulary", "run.device"};
  const auto starts = [&](std::string_view section) { return key.starts_with(section); };
  return std::any_of(sections.begin(), sections.end(), starts) ||
         std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::vector<Difference> conflicts(Config saved, Config now) {
  const auto a = option_table(saved), b = option_table(now);
  auto out = diff(a, b);
  std::erase_if(out, [](const Difference& d) { return may_change(d.key); });
  return out;
}

RunFolder open_run_folder(const Config& config) {
  const fs::path dir = config.run.dir;
  const bool has_run = fs::exists(dir / kConfigFile);
  // Looked at before the folder is made, so that a wrong --resume leaves no folder behind.
  check<UsageError>(has_run || config.run.resume != ResumeMode::must,
                    "run.resume = must, but {} holds no run ({} is not there). Check run.dir, or leave "
                    "--resume out to start one",
                    dir.string(), kConfigFile);
  RunFolder run{dir, FolderLock(dir), has_run};
  check<UsageError>(
      !has_run || config.run.resume != ResumeMode::never,
      "run.resume = never, but {} holds a run. Choose another run.dir, or run.resume = auto to go on with it",
      dir.string());
  check<UsageError>(
      has_run || list_checkpoints(dir).empty(),
      "{} holds checkpoints but no {}, so it is not known which run they belong to. Choose another run.dir",
      dir.string(), kConfigFile);
  if (has_run) check_same_run(dir, config);
  std::error_code error;
  fs::create_directories(dir / "checkpoints", error);
  check<StorageError>(!error, "cannot create {}: {}", (dir / "checkpoints").string(), error.message());
  remove_temporaries(dir);
  remove_temporaries(dir / "checkpoints");
  Config copy = config;
  copy.run.resume = ResumeMode::automatic;  // a wish of this session, not a property of the run
  write_file(dir / kConfigFile, write_ini(option_table(copy)));
  return run;
}

MetricsFile::MetricsFile(const fs::path& path, int64_t last_update) : path_(path) {
  if (fs::exists(path)) {
    const std::string text = read_file(path, kMetricsLimit);
    std::string kept;
    for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string line = text.substr(begin, end - begin);
      const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (json.is_object() && json.value("update", last_update + 1) <= last_update) kept += line + '\n';
    }
    if (kept.size() != text.size()) write_file(path, kept);
  }
  out_.open(path, std::ios::app);
  check<StorageError>(out_.good(), "cannot write {}: {}", path.string(), std::strerror(errno));
}

void MetricsFile::append(const std::string& line) {
  out_ << line << '\n' << std::flush;
  check<StorageError>(
      out_.good(), "cannot write {}: {}. Free space; the same command then goes on from the last checkpoint",
      path_.string(), std::strerror(errno));
}

SkippedFile::SkippedFile(const fs::path& path) : path_(path) {
  if (!fs::exists(path)) return;
  std::istringstream in(read_file(path, kMetricsLimit));
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    if (first == std::string::npos || second == std::string::npos || line.starts_with("path\t")) continue;
    Entry entry{line.substr(0, first), line.substr(second + 1)};
    std::from_chars(line.data() + first + 1, line.data() + second, entry.count);
    before_[entry.path] = entry;
  }
}

size_t SkippedFile::write(const std::vector<Entry>& session) {
  auto all = before_;
  const auto one_line = [](std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    return text;
  };
  for (const Entry& e : session) {
    Entry& sum = all[one_line(e.path)];
    sum.reason = one_line(e.reason);
    sum.count = e.in_scan ? std::max(sum.count, e.count) : sum.count + e.count;
  }
  if (all.empty()) return 0;
  std::string text = "path\ttimes\treason\n";
  for (const auto& [path, entry] : all) text += fmt::format("{}\t{}\t{}\n", path, entry.count, entry.reason);
  write_file(path_, text);
  return all.size();
}

}  // namespace d2v
