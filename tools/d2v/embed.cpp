// d2v embed: features of pictures, recordings or texts as a file.
#include "d2v/eval/embed.h"

#include <cstdio>

#include "command_text.h"
#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/pipeline/labelled_source.h"

namespace d2v {
namespace {

Pooling pooling_of(const std::string& text) {
  if (text == "mean") return Pooling::mean;
  if (text == "cls") return Pooling::cls;
  check<UsageError>(text == "all", "--tokens: expected mean, cls or all, found '{}'", text);
  return Pooling::all;
}

int run_embed(const ParsedLine& line) {
  check<UsageError>(line.has("out"), "where to? Give --out FILE.safetensors or --out FILE.npy");
  const std::string network = line.text("network");
  check<UsageError>(network == "teacher" || network == "student",
                    "--network: expected teacher or student, found '{}'", network);
  LoadedModel model = load_model(line.text("checkpoint", line.positional[0]), line.overrides);
  const FolderSource source = open_labelled(*model.config, line.text("classes"));
  log_info("{}", describe(source));
  const EmbedResult result =
      embed_folder(model, source,
                   {.out = line.text("out"),
                    .dump_input = line.text("dump-input"),
                    .network = network == "teacher" ? Network::teacher : Network::student,
                    .layers = line.text("layer"),
                    .pooling = pooling_of(line.text("tokens")),
                    .command = command_text(embed_command().spec, line)});
  fmt::print("{} {}, features ({})\nwritten: {}\nwritten: {}\n", result.samples, result.word,
             fmt::join(result.shape, ", "), result.features.string(), result.ids.string());
  return 0;
}

}  // namespace

const Command& embed_command() {
  static const Command command{
      .spec =
          {.name = "embed",
           .usage = "RUN|CHECKPOINT --data.path DIR|TABLE --out FILE [--section.key VALUE]…",
           .summary = "write the features of pictures, recordings or texts to a file",
           .positional = {"RUN"},
           .min_positional = 1,
           .max_positional = 1,
           .options =
               {{"out", "FILE", "",
                 "file to write, .safetensors or .npy; a .tsv of the same name beside it names the rows"},
                {"checkpoint", "FILE", "", "use this checkpoint instead of the run's newest"},
                {"classes", "PATTERN", "",
                 "classes from file names: a regular expression with one group, such as '^([0-9])_'"},
                {"network", "teacher|student", "teacher", "whose features"},
                {"layer", "LAYERS", "middle+last", "blocks, prenet first: last, 5, middle+last, 3+6"},
                {"tokens", "mean|cls|all", "mean",
                 "mean over the positions without padding, the CLS token, or (pictures) every token"},
                {"dump-input", "FILE", "", "also write the normalised pixels, as safetensors"}},
           .takes_config = true,
           .details =
               "Pictures are cropped in the center, recordings above speech.max_seconds too; what cannot be "
               "read is left "
               "out and named. TABLE.tsv has lines\nlabel<TAB>path or, for text models, label<TAB>text.\n"},
      .run = run_embed};
  return command;
}

}  // namespace d2v
