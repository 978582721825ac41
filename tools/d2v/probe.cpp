// d2v probe: kNN and linear probe of frozen features.
#include <cstdio>

#include "command_text.h"
#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/folder_samples.h"
#include "d2v/eval/loaded_model.h"
#include "d2v/eval/probe_json.h"

namespace d2v {
namespace {

ProbeResult probe(const ParsedLine& line, const LoadedModel& model, const ProbeNetworks& networks) {
  const Config& config = *model.config;
  const std::string leave_out = line.text("leave-out");
  if (!line.has("folds") && leave_out.empty()) {
    const ProbeFolder data = probe_folder(config, line.text("classes"));
    check_vocabulary(model, data.train);
    return run_probe(data.splits(), networks, config.probe);
  }
  const FoldedFolder data = folded_folder(config, line.integer("folds", 0), leave_out, line.text("classes"));
  check_vocabulary(model, data.all);
  return run_probe_folds(data.samples(), networks, config.probe);
}

int run_probe(const ParsedLine& line) {
  const std::filesystem::path folder = line.positional[0];
  const std::string pooling = line.text("pooling");
  check<UsageError>(pooling == "mean" || pooling == "cls", "--pooling: expected mean or cls, found '{}'",
                    pooling);
  check<UsageError>(!line.has("folds") || !line.has("leave-out"),
                    "give --folds N or --leave-out PATTERN, not both: the pattern's groups are the folds");
  LoadedModel model = load_model(line.text("checkpoint", folder.string()), line.overrides);
  const auto untrained = untrained_model(model);
  const ProbeNetworks networks{model.objective.get(), untrained.get(),
                               model.blocks(),        model.has_teacher(),
                               line.text("layer"),    pooling == "cls" ? Pooling::cls : Pooling::mean};
  const StoredProbe stored{command_text(probe_command().spec, line), model.checkpoint.string(),
                           model.config->data.path, model.update, probe(line, model, networks)};

  fmt::print("{} after {} updates; {}\n\n{}\n", stored.checkpoint, stored.update, probe_parts(stored.result),
             probe_table(stored.result));
  for (const std::string& sentence : probe_sentences(stored.result)) fmt::print("{}\n", sentence);
  const std::filesystem::path out = line.has("out") ? std::filesystem::path(line.text("out"))
                                    : std::filesystem::is_directory(folder) ? folder / "probe.json"
                                                                            : std::filesystem::path();
  if (!out.empty()) {
    write_file(out, probe_json(stored));
    fmt::print("written: {}\n", out.string());
  }
  return 0;
}

}  // namespace

const Command& probe_command() {
  static const Command command{
      .spec =
          {.name = "probe",
           .usage = "RUN|CHECKPOINT --data.path DIR|TABLE [--section.key VALUE]…",
           .summary = "kNN and linear probe of frozen features, beside untrained weights and simple features",
           .positional = {"RUN"},
           .min_positional = 1,
           .max_positional = 1,
           .options =
               {{"checkpoint", "FILE", "", "probe this checkpoint instead of the run's newest"},
                {"layer", "LAYERS", "middle+last",
                 "blocks whose features are joined, such as last, 5 or 3+6; best: chosen on the "
                 "validation part"},
                {"classes", "PATTERN", "",
                 "classes from file names: a regular expression with one group, such as '^([0-9])_'"},
                {"folds", "N", "",
                 "N folds with their share of each class, tested in turn, instead of one split"},
                {"leave-out", "PATTERN", "",
                 "folds by what the group of a regular expression finds in file names or paths, such as a "
                 "speaker: '_([a-z]+)_'"},
                {"pooling", "mean|cls", "mean", "mean over the positions without padding, or the CLS token"},
                {"out", "FILE", "", "where the table is written as JSON; default: RUN/probe.json"}},
           .takes_config = true,
           .details =
               "DIR holds one sub-folder per class (or see --classes), or train/, valid/ and test/ with such "
               "sub-folders; "
               "missing "
               "parts are made by key, class by\nclass, near-duplicates together. What is chosen (layer, "
               "ridge penalty) is chosen on the validation part; the test part is read once\nper figure. "
               "Tables, for text models the only way, have lines label<TAB>path or label<TAB>text and end in "
               ".tsv; a "
               "folder with train.tsv,\nvalid.tsv and test.tsv is split as they say. Tar shards, lists and "
               "made-up "
               "data: docs/data.md.\n"},
      .run = run_probe};
  return command;
}

}  // namespace d2v
