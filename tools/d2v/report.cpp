// d2v report: a run, or several, as one HTML page.
#include "d2v/eval/report.h"

#include <cstdio>
#include <filesystem>

#include "command_text.h"
#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/log.h"
#include "d2v/eval/report_pictures.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;

std::string recipe_reference(const ParsedLine& line, const RunRecord& run) {
  return line.text("reference", (run.folder / "reference.tsv").string());
}

int write_reference_curve(const ParsedLine& line, const std::vector<RunRecord>& runs,
                          const std::string& command) {
  std::vector<Series> losses;
  std::string seeds;
  const RunConditions conditions = run_conditions(*runs[0].config, runs[0].data);
  for (const RunRecord& run : runs) {
    check<UsageError>(planned_updates(run) == planned_updates(runs[0]),
                      "runs of different lengths: {} and {}", runs[0].folder.string(), run.folder.string());
    const std::string other = conditions_differ(conditions, run_conditions(*run.config, run.data));
    check<UsageError>(other.empty(), "{} does not belong to one curve with {}: {}", run.folder.string(),
                      runs[0].folder.string(), other);
    losses.push_back(run.metrics.series("loss"));
    seeds += fmt::format(" {}", run.config->run.seed);
  }
  ReferenceCurve curve =
      make_reference(losses, planned_updates(runs[0]), {"made by: " + command, "seeds:" + seeds});
  curve.conditions = conditions;
  write_file(line.text("reference-out"), write_reference(curve));
  fmt::print("written: {}\n", line.text("reference-out"));
  return 0;
}

int run_report(const ParsedLine& line) {
  const std::string command = command_text(report_command().spec, line);
  const fs::path first = line.positional[0];
  const bool single = line.positional.size() == 1;
  std::vector<RunRecord> runs;
  for (const std::string& folder : line.positional) runs.push_back(read_run(folder));
  if (line.has("reference-out")) return write_reference_curve(line, runs, command);
  if (single && !line.has("no-pictures")) {
    const std::vector<std::string> missing = make_report_pictures(first, line.overrides, command);
    for (const std::string& sentence : missing) log_warning("{}", sentence);
    runs[0] = read_run(first);
    add_warnings(runs[0], missing);
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
               against_reference(*runs[0].reference, runs[0].metrics.series("loss"), planned_updates(runs[0]),
                                 run_conditions(*runs[0].config, runs[0].data))
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
      .run = run_report};
  return command;
}

}  // namespace d2v
