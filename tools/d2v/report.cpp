// d2v report: a run, or several, as one HTML page.
#include "d2v/eval/report.h"

#include <cstdio>
#include <filesystem>

#include "command_text.h"
#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/log.h"
#include "d2v/eval/neighbours.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/mask_preview.h"
#include "d2v/pipeline/synthetic.h"
#include "d2v/train/checkpoint_files.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;

// Mask preview and neighbour strips, where data and a checkpoint are there. A report without them is still one.
void make_pictures(const fs::path& run, const ParsedLine& line, const std::string& command) {
  Config config = *read_run(run).config;
  auto table = option_table(config);
  apply_overrides(table, line.overrides);
  if (config.model.modality != Modality::image) return;
  if (!fs::exists(config.data.path) && !is_synthetic(config.data.path)) {
    log_warning("no pictures in the report: the data '{}' is not there; give it with --data.path",
                config.data.path);
    return;
  }
  const ImageSource source = pretrain_sources(config.data, static_cast<uint64_t>(config.run.seed)).train;
  const MaskPreviewOptions preview{.seed = static_cast<uint64_t>(config.run.seed)};
  const auto png = render_mask_preview(source, config.data, config.image, config.mask, preview);
  write_file(run / "masks.png", {reinterpret_cast<const char*>(png.data()), png.size()});
  if (!latest_checkpoint(run)) {
    log_warning("no neighbour strips in the report: {} has no checkpoint yet", run.string());
    return;
  }
  LoadedModel model = load_model(run, line.overrides);
  make_neighbours(model, source, run, {.command = command});
}

std::string recipe_reference(const ParsedLine& line, const RunRecord& run) {
  return line.text("reference", (run.folder / "reference.tsv").string());
}

int write_reference_curve(const ParsedLine& line, const std::vector<RunRecord>& runs,
                          const std::string& command) {
  std::vector<Series> losses;
  std::string seeds;
  for (const RunRecord& run : runs) {
    check<UsageError>(planned_updates(run) == planned_updates(runs[0]),
                      "runs of different lengths: {} and {}", runs[0].folder.string(), run.folder.string());
    losses.push_back(run.metrics.series("loss"));
    seeds += fmt::format(" {}", run.config->run.seed);
  }
  const ReferenceCurve curve =
      make_reference(losses, planned_updates(runs[0]), {"made by: " + command, "seeds:" + seeds});
  write_file(line.text("reference-out"), write_reference(curve));
  fmt::print("written: {}\n", line.text("reference-out"));
  return 0;
}

int run(const ParsedLine& line) {
  const std::string command = command_text(report_command().spec, line);
  const fs::path first = line.positional[0];
  const bool single = line.positional.size() == 1;
  std::vector<RunRecord> runs;
  for (const std::string& folder : line.positional) runs.push_back(read_run(folder));
  if (line.has("reference-out")) return write_reference_curve(line, runs, command);
  if (single && !line.has("no-pictures")) {
    make_pictures(first, line, command);
    runs[0] = read_run(first);
  }
  if (single && (line.has("reference") || fs::exists(recipe_reference(line, runs[0]))))
    runs[0].reference = read_reference(recipe_reference(line, runs[0]));

  const ReportSettings settings{command, find_gnuplot()};
  if (!settings.gnuplot)
    log_warning("no plots in the report: gnuplot was not found (Debian: apt-get install gnuplot-nox)");
  const fs::path out =
      line.has("out") ? fs::path(line.text("out")) : first / (single ? "report.html" : "compare.html");
  write_file(out, report_html(runs, settings));
  if (single && runs[0].reference)
    fmt::print("{}\n",
               against_reference(*runs[0].reference, runs[0].metrics.series("loss"), planned_updates(runs[0]))
                   .sentence);
  fmt::print("written: {}\n", out.string());
  return 0;
}

}  // namespace

const Command& report_command() {
  static const Command command{
      .spec = {.name = "report",
               .usage = "RUN [RUN]… [--data.path DIR]",
               .summary = "one HTML page about a run, or several runs compared",
               .positional = {"RUN"},
               .min_positional = 1,
               .max_positional = 64,
               .options = {{"out", "FILE", "",
                            "page to write; default: RUN/report.html, for several runs compare.html"},
                           {"no-pictures", "", "",
                            "keep the pictures of the last report instead of making them again"},
                           {"reference", "FILE", "",
                            "reference curve to draw the loss over; default: RUN/reference.tsv"},
                           {"reference-out", "FILE", "",
                            "make a reference curve from the given runs (three seeds) instead"}},
               .takes_config = true,
               .details = "The page opens from disk without network. Plots need gnuplot.\n"},
      .run = run};
  return command;
}

}  // namespace d2v
