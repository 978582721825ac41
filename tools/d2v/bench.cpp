// d2v bench: how fast a recipe's training step, its loader, its masks or its checkpoint is on this machine.
#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/eval/bench_report.h"
#include "d2v/eval/costs.h"
#include "d2v/eval/step_report.h"
#include "d2v/pipeline/loader_bench.h"
#include "d2v/pipeline/masks_bench.h"
#include "d2v/pipeline/sources.h"
#include "d2v/train/checkpoint_bench.h"

namespace d2v {
namespace {

struct Measured {
  std::string table;
  BenchReport report;
};

Measured step(const Config& config, const ParsedLine& line) {
  if (config.run.threads > 0) at::set_num_threads(static_cast<int>(config.run.threads));
  StepBenchSettings settings{.warmup = line.integer("warmup", 1, at_least(0)),
                             .steps = line.integer("steps", 5, at_least(1))};
  if (!line.has("loader")) {
    const StepBench bench = bench_step(config, settings);
    return {step_table(config, bench), step_report(config, bench)};
  }
  const DataSources sources = open_sources(config);
  LoaderSettings wanted = loader_settings(config, LoaderMode::train);
  wanted.last_update = int64_t{1} << 40;
  Loader loader(*sources.train, wanted);
  settings.stream = {[&loader] { return loader.next(); },
                     [&loader](BatchPtr slice) { loader.recycle(std::move(slice)); }};
  const StepBench bench = bench_step(config, settings);
  Measured out{step_table(config, bench), step_report(config, bench)};
  out.report.settings["data"] = source_identity(*sources.train);
  return out;
}

// With data.threads: that many; otherwise one thread, and one per core.
std::vector<int64_t> thread_counts(const Config& config) {
  if (config.data.threads > 0) return {config.data.threads};
  const std::set<int64_t> counts{1, std::max<int64_t>(1, std::thread::hardware_concurrency())};
  return {counts.begin(), counts.end()};
}

Measured loader(const Config& config, const ParsedLine& line) {
  const DataSources sources = open_sources(config);
  const LoaderBench bench =
      bench_loader(*sources.train, loader_settings(config, LoaderMode::train), thread_counts(config),
                   line.number("seconds", 10, Range{0.1, 3600}), line.number("wanted", 0, at_least(0)));
  BenchReport report{.bench = "loader", .settings = bench_settings(config), .figures = {}};
  report.settings["data"] = source_identity(*sources.train);
  report.settings["wanted"] = fmt::format("{}", bench.wanted);
  for (const LoaderRun& run : bench.runs) {
    const std::string threads = fmt::format(" with {} threads", run.threads);
    report.figures.push_back(
        {"samples/s" + threads, static_cast<double>(run.stats.samples) / run.stats.seconds});
    report.figures.push_back({"waiting" + threads, 100 * run.stats.stall_seconds / run.stats.seconds, "%"});
  }
  const StageTimes& alone = bench.runs.front().stats.stages;
  for (size_t i = 0; i < kStageNames.size(); ++i)
    if (alone.nanoseconds[i] > 0 && alone.samples > 0)
      report.figures.push_back(
          {std::string(kStageNames[i]),
           static_cast<double>(alone.nanoseconds[i]) / 1e6 / static_cast<double>(alone.samples),
           "ms a sample"});
  report.details = loader_json(bench);
  return {loader_table(bench), report};
}

Measured masks(const Config& config, const ParsedLine& line) {
  const MaskPlan plan = sample_tokens(config).plan;
  const MasksBench bench =
      bench_masks(plan, config.mask.clones, line.number("seconds", 10, Range{0.01, 3600}));
  BenchReport report{.bench = "masks", .settings = bench_settings(config, "mask."), .figures = {}};
  report.settings["positions"] = fmt::format("{}", plan.grid.positions());
  report.settings["visible"] = fmt::format("{}", plan.visible);
  report.figures = {{"masks/s of one core", bench.per_second()},
                    {"samples/s of one core", bench.per_second() / static_cast<double>(config.mask.clones)},
                    {"a mask", 1e6 * bench.each(), "µs"}};
  const std::string table = fmt::format(
      "{} masks of {} positions, {} kept and {} hidden, {} a sample; one thread\n\n"
      "  masks/s          {:12.0f}\n  samples/s        {:12.0f}\n  a mask           {:12.2f} µs\n",
      name_of(config.mask.kind), plan.grid.positions(), plan.visible, plan.masked, config.mask.clones,
      report.figures[0].value, report.figures[1].value, report.figures[2].value);
  return {table, report};
}

Measured checkpoint(const Config& config, const ParsedLine& line) {
  const int64_t repeats = line.integer("repeats", 3, Range{1, 100});
  const CheckpointBench bench = bench_checkpoint(config, line.text("dir", "."), repeats);
  const double save = median(bench.save_seconds), load = median(bench.load_seconds),
               megabytes = static_cast<double>(bench.bytes) / 1e6;
  BenchReport report{.bench = "checkpoint", .settings = bench_settings(config), .figures = {}};
  report.figures = {{"size", megabytes, "MB"},
                    {"write", save, "s"},
                    {"read", load, "s"},
                    {"written", megabytes / save, "MB/s"},
                    {"read in", megabytes / load, "MB/s"}};
  report.details =
      nlohmann::json{{"save_seconds", bench.save_seconds}, {"load_seconds", bench.load_seconds}}.dump();
  const std::string table = fmt::format(
      "a checkpoint of {:.1f} MB; medians of {}\n\n"
      "  write, to the disk           {:8.3f} s {:9.0f} MB/s\n"
      "  read, from the page cache    {:8.3f} s {:9.0f} MB/s\n",
      megabytes, repeats, save, megabytes / save, load, megabytes / load);
  return {table, report};
}

// What --compare names. That it cannot be read, or is of another recipe, is found before anything is measured.
std::optional<BenchReport> earlier_report(const Config& config, const std::string& what,
                                          const ParsedLine& line) {
  constexpr uint64_t largest_report = 16 << 20;
  if (!line.has("compare")) return std::nullopt;
  BenchReport before = read_bench(read_file(line.text("compare"), largest_report), line.text("compare"));
  BenchReport now{.bench = what, .settings = before.settings, .figures = {}};
  for (const auto& [key, value] : bench_settings(config, what == "masks" ? "mask." : ""))
    now.settings[key] = value;
  compare_benches(before, now);
  return before;
}

int run_bench(const ParsedLine& line) {
  const std::string& what = line.positional.at(0);
  static constexpr std::pair<std::string_view, Measured (*)(const Config&, const ParsedLine&)> kinds[]{
      {"step", step}, {"loader", loader}, {"masks", masks}, {"checkpoint", checkpoint}};
  const auto* kind =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& one) { return one.first == what; });
  check<UsageError>(kind != std::end(kinds),
                    "d2v bench measures 'step', 'loader', 'masks' or 'checkpoint', found '{}'", what);
  Config config;
  auto table = option_table(config);
  apply_source(table, line.positional.at(1));
  apply_overrides(table, line.overrides);
  const std::optional<BenchReport> before = earlier_report(config, what, line);
  const Measured measured = kind->second(config, line);
  fmt::print("{}", measured.table);
  if (line.has("json")) write_file(line.text("json"), bench_json(measured.report));
  if (before) fmt::print("\n{}", compare_benches(*before, measured.report));
  return 0;
}

}  // namespace

const Command& bench_command() {
  static const Command command{
      .spec = {.name = "bench",
               .usage = "step|loader|masks|checkpoint RECIPE [--section.key VALUE]…",
               .summary = "measure a recipe here: its training step, its loader on data.path, its masks, its "
                          "checkpoint",
               .positional = {"WHAT", "RECIPE"},
               .min_positional = 2,
               .max_positional = 2,
               .options =
                   {{"steps", "N", "5", "step: timed steps"},
                    {"warmup", "N", "1", "step: steps before them that are not timed"},
                    {"loader", "", "",
                     "step: samples come from the recipe's loader on data.path, and waiting for it counts"},
                    {"seconds", "N", "10", "loader, masks: length of each measurement"},
                    {"wanted", "N", "0",
                     "loader: take no more than so many samples a second, as a trainer would; 0: all"},
                    {"dir", "DIR", ".", "checkpoint: where the file is written, and removed"},
                    {"repeats", "N", "3", "checkpoint: how often it is written and read"},
                    {"json", "FILE", "", "write the figures there too"},
                    {"compare", "FILE", "",
                     "before and after: what --json wrote earlier, of the same settings"}},
               .takes_config = true,
               .details =
                   "docs/performance.md says what the figures mean. D2V_SIMD=NAME forces an instruction "
                   "set of the kernels; a wrong\nname lists those of this machine.\n"},
      .run = run_bench};
  return command;
}

}  // namespace d2v
