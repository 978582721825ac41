// d2v inspect: what a model consists of; inspect_data.h: what a data set does.
#include "d2v/eval/inspect.h"

#include <cstdio>
#include <filesystem>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/safetensors.h"
#include "d2v/model/objective.h"
#include "d2v/train/checkpoint_files.h"
#include "inspect_data.h"

namespace d2v {
namespace {

void print_checkpoint(const std::filesystem::path& path) {
  const SafetensorsReader reader(path);
  fmt::print("checkpoint {}: {} tensors, {:.1f} MB", path.string(), reader.tensors().size(),
             static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  for (const char* key : {"update", "samples_seen", "vocabulary", "program_version"}) {
    const auto found = reader.metadata().find(key);
    if (found != reader.metadata().end()) fmt::print(", {} {}", key, found->second);
  }
  fmt::print("\n\n");
}

int run_inspect(const ParsedLine& line) {
  if (line.positional.size() > 1) {
    check<UsageError>(line.positional[0] == "data",
                      "d2v inspect: expected one SOURCE, or: data PATH [RECIPE]; found '{}' and more",
                      line.positional[0]);
    return run_inspect_data(line);
  }
  const std::filesystem::path source = line.positional[0];
  Config config;
  auto table = option_table(config);
  apply_source(table, source);
  apply_overrides(table, line.overrides);
  if (source.extension() == ".safetensors") {
    print_checkpoint(source);
  } else if (std::filesystem::is_directory(source)) {
    if (const auto newest = latest_checkpoint(source))
      print_checkpoint(newest->path);
    else
      fmt::print("{}: no checkpoint yet\n\n", source.string());
  }
  const ParameterLayout layout = objective_layout(config);
  fmt::print("{}\n{}\n{}\n{}", parameter_table(layout, config), token_summary(config), flops_table(config),
             memory_summary(layout, config));
  return 0;
}

}  // namespace

const Command& inspect_command() {
  static const Command command{
      .spec =
          {.name = "inspect",
           .usage = "RECIPE|RUN|CHECKPOINT [--section.key VALUE]…; data PATH [RECIPE] [--json FILE|-]",
           .summary = "list the parameters of a model, its tokens, operations and memory; or what a data "
                      "set holds",
           .positional = {"SOURCE"},
           .min_positional = 1,
           .max_positional = 3,
           .options = {{"json", "FILE", "",
                        "data: write the report there too; -: print it instead of the text"},
                       {"sample", "N", "2000", "data: decode N samples, and compare N pictures"},
                       {"all", "", "", "data: decode all; of pictures at most 50000 are compared"},
                       {"seconds", "N", "3", "data: run the loader so long to time an epoch; 0: not"}},
           .takes_config = true,
           .details =
               "Shape, elements, trained or fixed, what the EMA does with it, weight decay; then totals, "
               "tokens,\n"
               "floating-point operations of a sample by part, and an estimate of the memory of training.\n\n"
               "data: PATH is anything that data.path may be. Counts, sizes, durations, classes, pictures "
               "that\n"
               "look alike, broken files with the reason, and how long the loader takes for an epoch here.\n"
               "Without a recipe or --model.modality, names tell what it is; the recipe's crop, lengths, "
               "masks\n"
               "and threads count. All headers are read.\n"},
      .run = run_inspect};
  return command;
}

}  // namespace d2v
