#include "d2v/pipeline/loader_bench.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "stages_alone.h"

namespace d2v {
namespace {

using Clock = std::chrono::steady_clock;

LoaderRun run_loader(const Source& source, const LoaderSettings& settings, double seconds, double wanted) {
  Loader loader(source, settings);
  loader.recycle(loader.next());
  LoaderRun run{.threads = settings.threads, .batches = 0, .stats = {}};
  const LoaderStats begin = loader.stats();
  const Clock::time_point start = Clock::now();
  int64_t taken = 0;
  while (seconds_since(start) < seconds) {
    BatchPtr batch = loader.next();
    if (!batch) break;
    taken += batch->samples;
    ++run.batches;
    loader.recycle(std::move(batch));
    if (wanted > 0)
      std::this_thread::sleep_until(start +
                                    std::chrono::duration_cast<Clock::duration>(
                                        std::chrono::duration<double>(static_cast<double>(taken) / wanted)));
  }
  run.stats = stats_since(begin, loader.stats());
  return run;
}

double total(const StageTimes& times) {
  return static_cast<double>(std::accumulate(times.nanoseconds.begin(), times.nanoseconds.end(), int64_t{0}));
}

double per_second(const LoaderRun& run) { return static_cast<double>(run.stats.samples) / run.stats.seconds; }

// Bytes of files per sample.
double bytes_per_sample(const StageTimes& times) {
  return static_cast<double>(times.bytes) / static_cast<double>(std::max<int64_t>(times.samples, 1));
}

// Made-up samples have no files.
std::string megabytes(double per_second) {
  return per_second > 0 ? fmt::format("{:.1f}", per_second / 1e6) : "-";
}

std::string stage_row(std::string_view name, double nanoseconds, const StageTimes& times) {
  const double each = nanoseconds / static_cast<double>(std::max<int64_t>(times.samples, 1));
  const double rate = 1e9 / std::max(each, 1.0);
  return fmt::format("  {:<10} {:>9.3f} ms {:>12.0f} {:>9} {:>6.0f} %\n", name, each / 1e6, rate,
                     megabytes(rate * bytes_per_sample(times)),
                     100 * nanoseconds / std::max(total(times), 1.0));
}

// "step" where the trainer that was played got what it wanted in time.
std::string_view bottleneck_of(const LoaderBench& bench) {
  const LoaderStats& stats = bench.runs.front().stats;
  if (bench.wanted > 0) return loader_figures(stats).bottleneck;
  return name_of(slowest_stage(stats.stages));
}

std::string alone_rows(const std::vector<StageAlone>& stages) {
  if (stages.empty()) return {};
  std::string out = fmt::format("  {:<10} {:>12} {:>12} {:>9}\n", "alone", "per sample", "samples/s", "MB/s");
  for (const StageAlone& stage : stages) {
    const double rate = static_cast<double>(stage.samples) / std::max(stage.seconds, 1e-9);
    out += fmt::format("  {:<10} {:>9.3f} ms {:>12.0f} {:>9}\n", name_of(stage.stage), 1e3 / rate, rate,
                       megabytes(static_cast<double>(stage.bytes) / std::max(stage.seconds, 1e-9)));
  }
  return out + "\n";
}

}  // namespace

LoaderBench bench_loader(const Source& source, LoaderSettings settings, const std::vector<int64_t>& threads,
                         double seconds, double wanted) {
  LoaderBench bench{.modality = source.modality(),
                    .batch = settings.data.batch,
                    .clones = settings.mask.clones,
                    .wanted = wanted,
                    .runs = {}};
  settings.mode = LoaderMode::train;
  settings.first_update = 0;
  settings.last_update = int64_t{1} << 40;
  bench.alone = stages_alone(source, settings, seconds);
  for (const int64_t count : threads) {
    settings.threads = count;
    bench.runs.push_back(run_loader(source, settings, seconds, wanted));
  }
  return bench;
}

std::string loader_table(const LoaderBench& bench) {
  const LoaderRun& alone = bench.runs.front();
  const StageTimes& times = alone.stats.stages;
  std::string out = fmt::format("{}, batches of {}, {} masks a sample; {} samples in {:.1f} s\n\n",
                                samples_word(bench.modality), bench.batch, bench.clones, times.samples,
                                alone.stats.seconds);
  out += alone_rows(bench.alone);
  out += fmt::format("  {:<10} {:>12} {:>12} {:>9} {:>8}\n", "together", "per sample", "samples/s", "MB/s",
                     "share");
  for (size_t i = 0; i < kStageNames.size(); ++i) {
    if (times.nanoseconds[i] > 0)
      out += stage_row(kStageNames[i], static_cast<double>(times.nanoseconds[i]), times);
  }
  out += stage_row("all", total(times), times);
  out += "\n  rates of one core that does nothing else; MB of files as they are stored\n\n";
  for (const LoaderRun& run : bench.runs) {
    out += fmt::format("  {} {}: {:.0f} samples/s, {:.0f} masks/s, {} MB/s", run.threads,
                       run.threads == 1 ? "thread " : "threads", per_second(run),
                       per_second(run) * static_cast<double>(bench.clones),
                       megabytes(static_cast<double>(run.stats.stages.bytes) / run.stats.seconds));
    if (bench.wanted > 0) out += fmt::format("; of {:.0f} wanted", bench.wanted);
    out += fmt::format("; stall {:.1f} %, {:.1f} slices ready",
                       100 * run.stats.stall_seconds / run.stats.seconds, run.stats.queue_depth);
    out += "\n";
  }
  const Stage slowest = slowest_stage(times);
  out += fmt::format("\n  slowest stage: {}, {:.0f} % of the time\n  bottleneck: {}\n", name_of(slowest),
                     100 * static_cast<double>(times[slowest]) / std::max(total(times), 1.0),
                     bottleneck_of(bench));
  return out;
}

std::string loader_json(const LoaderBench& bench) {
  nlohmann::json runs = nlohmann::json::array();
  for (const LoaderRun& run : bench.runs) {
    nlohmann::json stages;
    for (size_t i = 0; i < kStageNames.size(); ++i)
      stages[std::string(kStageNames[i])] = static_cast<double>(run.stats.stages.nanoseconds[i]) / 1e9;
    const LoaderFigures figures = loader_figures(run.stats);
    runs.push_back({{"threads", run.threads},
                    {"samples", run.stats.samples},
                    {"seconds", run.stats.seconds},
                    {"samples_per_second", per_second(run)},
                    {"masks_per_second", per_second(run) * static_cast<double>(bench.clones)},
                    {"file_bytes", run.stats.stages.bytes},
                    {"mb_per_second", figures.megabytes_per_second},
                    {"stall_seconds", run.stats.stall_seconds},
                    {"stall_percent", figures.stall_percent},
                    {"queue_depth", run.stats.queue_depth},
                    {"stage_seconds", stages}});
  }
  nlohmann::json alone = nlohmann::json::object();
  for (const StageAlone& stage : bench.alone)
    alone[std::string(name_of(stage.stage))] = {
        {"samples_per_second", static_cast<double>(stage.samples) / stage.seconds},
        {"mb_per_second", static_cast<double>(stage.bytes) / stage.seconds / 1e6}};
  const nlohmann::json json{{"batch", bench.batch},
                            {"clones", bench.clones},
                            {"wanted_samples_per_second", bench.wanted},
                            {"alone", alone},
                            {"slowest_stage", name_of(slowest_stage(bench.runs.front().stats.stages))},
                            {"bottleneck", bottleneck_of(bench)},
                            {"runs", runs}};
  return json.dump(2) + "\n";
}

}  // namespace d2v
