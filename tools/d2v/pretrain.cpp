// d2v pretrain: starts a run, or goes on with the one in its folder.
#include "d2v/train/pretrain.h"

#include "command_text.h"
#include "commands.h"
#include "d2v/base/config_source.h"
#include "reference_watch.h"

namespace d2v {
namespace {

int run_pretrain(const ParsedLine& line) {
  Config config;
  auto table = option_table(config);
  apply_source(table, line.positional.at(0));
  apply_overrides(table, line.overrides);
  if (line.has("resume")) config.run.resume = ResumeMode::must;
  return static_cast<int>(
      pretrain(config, command_text(pretrain_command().spec, line), reference_watch(line.positional[0])));
}

}  // namespace

const Command& pretrain_command() {
  static const Command command{
      .spec = {.name = "pretrain",
               .usage = "RECIPE [--resume] [--section.key VALUE]…",
               .summary = "train a model; the same command again continues a run that was stopped",
               .positional = {"RECIPE"},
               .min_positional = 1,
               .max_positional = 1,
               .options = {{"resume", "", "",
                            "the same as --run.resume must: an error where run.dir holds no run"}},
               .takes_config = true,
               .details = "Ctrl-C finishes the update, saves a checkpoint and ends with status 130; a second "
                          "one ends at once."},
      .run = run_pretrain};
  return command;
}

}  // namespace d2v
