#include "d2v/pipeline/loader_bench.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

// Of recordings it is not known how much of a file was read.
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

}  // namespace

LoaderStats stats_since(const LoaderStats& begin, LoaderStats end) {
  const double ready =
      end.queue_depth * static_cast<double>(end.calls) - begin.queue_depth * static_cast<double>(begin.calls);
  end.calls -= begin.calls;
  end.queue_depth = ready / static_cast<double>(std::max<int64_t>(end.calls, 1));
  end.samples -= begin.samples;
  end.seconds -= begin.seconds;
  end.stall_seconds -= begin.stall_seconds;
  for (size_t i = 0; i < kStageNames.size(); ++i) end.stages.nanoseconds[i] -= begin.stages.nanoseconds[i];
  end.stages.bytes -= begin.stages.bytes;
  end.stages.samples -= begin.stages.samples;
  return end;
}

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
  for (const int64_t count : threads) {
    settings.threads = count;
    bench.runs.push_back(run_loader(source, settings, seconds, wanted));
  }
  return bench;
}

Stage slowest_stage(const StageTimes& times) {
  const auto most = std::max_element(times.nanoseconds.begin(), times.nanoseconds.end());
  return static_cast<Stage>(most - times.nanoseconds.begin());
}

std::string loader_table(const LoaderBench& bench) {
  const LoaderRun& alone = bench.runs.front();
  const StageTimes& times = alone.stats.stages;
  std::string out = fmt::format("{}, batches of {}, {} masks a sample; {} samples in {:.1f} s\n\n",
                                samples_word(bench.modality), bench.batch, bench.clones, times.samples,
                                alone.stats.seconds);
  out += fmt::format("  {:<10} {:>12} {:>12} {:>9} {:>8}\n", "stage", "per sample", "samples/s", "MB/s",
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
    if (bench.wanted > 0)
      out += fmt::format("; of {:.0f} wanted, stall {:.1f} %, {:.1f} slices ready", bench.wanted,
                         100 * run.stats.stall_seconds / run.stats.seconds, run.stats.queue_depth);
    out += "\n";
  }
  const Stage slowest = slowest_stage(times);
  out += fmt::format("\n  bottleneck: {}, {:.0f} % of the time\n", kStageNames[static_cast<size_t>(slowest)],
                     100 * static_cast<double>(StageTimes(times)[slowest]) / std::max(total(times), 1.0));
  return out;
}

std::string loader_json(const LoaderBench& bench) {
  nlohmann::json runs = nlohmann::json::array();
  for (const LoaderRun& run : bench.runs) {
    nlohmann::json stages;
    for (size_t i = 0; i < kStageNames.size(); ++i)
      stages[std::string(kStageNames[i])] = static_cast<double>(run.stats.stages.nanoseconds[i]) / 1e9;
    runs.push_back({{"threads", run.threads},
                    {"samples", run.stats.samples},
                    {"seconds", run.stats.seconds},
                    {"samples_per_second", per_second(run)},
                    {"file_bytes", run.stats.stages.bytes},
                    {"stall_seconds", run.stats.stall_seconds},
                    {"queue_depth", run.stats.queue_depth},
                    {"stage_seconds", stages}});
  }
  const nlohmann::json json{
      {"batch", bench.batch},
      {"clones", bench.clones},
      {"wanted_samples_per_second", bench.wanted},
      {"bottleneck", kStageNames[static_cast<size_t>(slowest_stage(bench.runs.front().stats.stages))]},
      {"runs", runs}};
  return json.dump(2) + "\n";
}

}  // namespace d2v
