// d2v bench: how fast a recipe's training step, or its loader, is on this machine.
#include <set>
#include <thread>

#include <ATen/Parallel.h>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/loader_bench.h"
#include "d2v/pipeline/sources.h"
#include "d2v/train/step_bench.h"

namespace d2v {
namespace {

struct Report {
  std::string table, json;
};

Report step(const Config& config, const ParsedLine& line) {
  if (config.run.threads > 0) at::set_num_threads(static_cast<int>(config.run.threads));
  const int64_t warmup = line.integer("warmup", 1, at_least(0)),
                steps = line.integer("steps", 5, at_least(1));
  const StepBench bench = bench_step(config, warmup, steps);
  return {step_table(bench), step_json(bench)};
}

// With data.threads: that many; otherwise one thread, and one per core.
std::vector<int64_t> thread_counts(const Config& config) {
  if (config.data.threads > 0) return {config.data.threads};
  const std::set<int64_t> counts{1, std::max<int64_t>(1, std::thread::hardware_concurrency())};
  return {counts.begin(), counts.end()};
}

Report loader(const Config& config, const ParsedLine& line) {
  const DataSources sources = open_sources(config);
  const LoaderBench bench =
      bench_loader(*sources.train, loader_settings(config, LoaderMode::train), thread_counts(config),
                   line.number("seconds", 10, Range{0.1, 3600}), line.number("wanted", 0, at_least(0)));
  return {loader_table(bench), loader_json(bench)};
}

int run_bench(const ParsedLine& line) {
  const std::string& what = line.positional.at(0);
  check<UsageError>(what == "step" || what == "loader", "d2v bench measures 'step' or 'loader', found '{}'",
                    what);
  Config config;
  auto table = option_table(config);
  apply_source(table, line.positional.at(1));
  apply_overrides(table, line.overrides);
  const Report report = what == "step" ? step(config, line) : loader(config, line);
  fmt::print("{}", report.table);
  if (line.has("json")) write_file(line.text("json"), report.json);
  return 0;
}

}  // namespace

const Command& bench_command() {
  static const Command command{
      .spec = {.name = "bench",
               .usage = "step|loader RECIPE [--section.key VALUE]…",
               .summary =
                   "measure the training step of a recipe on made-up samples, or its loader on data.path",
               .positional = {"WHAT", "RECIPE"},
               .min_positional = 2,
               .max_positional = 2,
               .options = {{"steps", "N", "5", "step: timed steps"},
                           {"warmup", "N", "1", "step: steps before them that are not timed"},
                           {"seconds", "N", "10", "loader: length of each measurement"},
                           {"wanted", "N", "0",
                            "loader: take no more than so many samples a second, as a trainer would; 0: all"},
                           {"json", "FILE", "", "write the figures there too"}},
               .takes_config = true,
               .details = {}},
      .run = run_bench};
  return command;
}

}  // namespace d2v
