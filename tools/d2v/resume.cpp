// d2v resume: goes on with a run from its folder alone.
#include "command_text.h"
#include "commands.h"
#include "d2v/base/recipe.h"
#include "d2v/train/pretrain.h"
#include "reference_watch.h"

namespace d2v {
namespace {

int run_resume(const ParsedLine& line) {
  Config config = config_of_run(line.positional.at(0));
  auto table = option_table(config);
  apply_overrides(table, line.overrides);
  return static_cast<int>(pretrain(config, command_text(resume_command().spec, line), reference_watch({})));
}

}  // namespace

const Command& resume_command() {
  static const Command command{
      .spec = {.name = "resume",
               .usage = "RUN [--section.key VALUE]…",
               .summary = "continue a run from its folder; no recipe needed",
               .positional = {"RUN"},
               .min_positional = 1,
               .max_positional = 1,
               .takes_config = true,
               .details =
                   "Only options that do not change the results of a run may differ from its config.ini."},
      .run = run_resume};
  return command;
}

}  // namespace d2v
