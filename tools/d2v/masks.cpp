// d2v masks: what the masks of a recipe look like, as a picture or as numbers.
#include <cstdio>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/file.h"
#include "d2v/eval/costs.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/mask_preview.h"
#include "d2v/pipeline/mask_stats.h"

namespace d2v {
namespace {

int show(const Config& config, const ParsedLine& line) {
  check<UsageError>(config.model.modality == Modality::image,
                    "d2v masks show draws over pictures, the recipe's model.modality is {}: d2v masks stats "
                    "measures its masks",
                    name_of(config.model.modality));
  const ImageSource source = pretrain_sources(config.data, static_cast<uint64_t>(config.run.seed)).train;
  const std::string out = line.text("out");
  const MaskPreviewOptions options{.pictures = line.integer("pictures", 6, Range{1, 200}),
                                   .clones = line.integer("clones", 6, Range{1, 64}),
                                   .seed = static_cast<uint64_t>(config.run.seed),
                                   .tile = line.integer("tile", 168, Range{16, 2048})};
  const auto png = render_mask_preview(source, config.data, config.image, config.mask, options);
  write_file(out, {reinterpret_cast<const char*>(png.data()), png.size()});
  fmt::print("{}\nwritten: {}\n", describe(source), out);
  return 0;
}

int stats(const Config& config, const ParsedLine& line) {
  const MaskStats measured =
      measure_masks(config.mask, sample_tokens(config).plan.grid, static_cast<uint64_t>(config.run.seed),
                    line.integer("samples", 1000, Range{1, 1e7}));
  std::fputs(format_mask_stats(measured).c_str(), stdout);
  return 0;
}

int run_masks(const ParsedLine& line) {
  const std::string& action = line.positional[0];
  check<UsageError>(action == "show" || action == "stats", "d2v masks: expected show or stats, found '{}'",
                    action);
  Config config;
  auto table = option_table(config);
  if (line.positional.size() > 1) apply_source(table, line.positional[1]);
  apply_overrides(table, line.overrides);
  return action == "show" ? show(config, line) : stats(config, line);
}

}  // namespace

const Command& masks_command() {
  static const Command command{
      .spec =
          {.name = "masks",
           .usage = "show|stats [SOURCE] [--section.key VALUE]…",
           .summary = "draw the masks of a recipe over pictures, or print their statistics",
           .positional = {"ACTION", "SOURCE"},
           .min_positional = 1,
           .max_positional = 2,
           .options = {{"out", "FILE", "masks.png", "show: the PNG file to write"},
                       {"pictures", "N", "6", "show: pictures, one row each"},
                       {"clones", "M", "6", "show: masked versions of each, at most mask.clones"},
                       {"tile", "PIXELS", "168", "show: side of a tile"},
                       {"samples", "N", "1000", "stats: samples, each with mask.clones masks"}},
           .takes_config = true,
           .details =
               "SOURCE is a recipe, a run folder or a checkpoint. `show` needs --data.path DIR: on the left "
               "the training crop, beside it\nits masked versions; hidden patches are gray, dark and "
               "hatched.\n"},
      .run = run_masks};
  return command;
}

}  // namespace d2v
