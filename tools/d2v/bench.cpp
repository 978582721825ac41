// d2v bench step: how fast a recipe's training step is on this machine.
#include <ATen/Parallel.h>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/train/step_bench.h"

namespace d2v {
namespace {

int run(const ParsedLine& line) {
  check<UsageError>(line.positional.at(0) == "step", "d2v bench measures 'step', found '{}'",
                    line.positional[0]);
  Config config;
  auto table = option_table(config);
  apply_source(table, line.positional.at(1));
  apply_overrides(table, line.overrides);
  if (config.run.threads > 0) at::set_num_threads(static_cast<int>(config.run.threads));
  const int64_t warmup = line.integer("warmup", 1, at_least(0)),
                steps = line.integer("steps", 5, at_least(1));
  const StepBench bench = bench_step(config, warmup, steps);
  fmt::print("{}", step_table(bench));
  if (line.has("json")) write_file(line.text("json"), step_json(bench));
  return 0;
}

}  // namespace

const Command& bench_command() {
  static const Command command{
      .spec = {.name = "bench",
               .usage = "step RECIPE [--section.key VALUE]…",
               .summary = "measure the training step of a recipe on made-up samples",
               .positional = {"WHAT", "RECIPE"},
               .min_positional = 2,
               .max_positional = 2,
               .options = {{"steps", "N", "5", "timed steps"},
                           {"warmup", "N", "1", "steps before them that are not timed"},
                           {"json", "FILE", "", "write the figures there too"}},
               .takes_config = true,
               .details = {}},
      .run = run};
  return command;
}

}  // namespace d2v
