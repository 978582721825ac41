// d2v prepare: data in the form that training reads fastest.
#include <algorithm>

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/base/options.h"
#include "d2v/pipeline/prepare_images.h"
#include "d2v/pipeline/prepare_text.h"

namespace d2v {
namespace {

TextDocuments documents_of(const std::string& text) {
  const auto& names = EnumNames<TextDocuments>::names;
  const auto found = std::find(names.begin(), names.end(), text);
  check<UsageError>(found != names.end(), "--documents: expected {}, found '{}'", fmt::join(names, ", "),
                    text);
  return static_cast<TextDocuments>(found - names.begin());
}

int prepare_pictures(const ParsedLine& line, const Config& config) {
  check<UsageError>(line.has("out"), "where to? Give --out FOLDER");
  check<UsageError>(line.positional.size() == 2, "d2v prepare images: expected one folder, found {}",
                    line.positional.size() - 1);
  const PreparedImages prepared = prepare_images({.input = line.positional[1],
                                                  .output = line.text("out"),
                                                  .side = line.integer("side", 256, Range{1, 1 << 16}),
                                                  .jpeg_quality = line.integer("jpeg", 0, Range{0, 100}),
                                                  .shard_samples = line.integer("shards", 0, at_least(0)),
                                                  .data = config.data});
  for (const BadFile& file : prepared.left_out) log_warning("left out: {}: {}", file.path, file.reason);
  fmt::print("{} pictures written, {} there already, {} left out: {}\n", prepared.written, prepared.kept,
             prepared.left_out.size(), line.text("out"));
  return 0;
}

int prepare_documents(const ParsedLine& line, const Config& config) {
  check<UsageError>(line.has("out"), "where to? Give --out FILE.d2vtok");
  const PreparedText prepared =
      prepare_text({.inputs = {line.positional.begin() + 1, line.positional.end()},
                    .output = line.text("out"),
                    .vocabulary = config.text.vocabulary,
                    .train_vocabulary = line.integer("train-vocab", 0, Range{0, 1 << 24}),
                    .documents = documents_of(line.text("documents")),
                    .max_bad_fraction = config.data.max_bad_fraction});
  for (const BadFile& file : prepared.left_out) log_warning("left out: {}", file.reason);
  for (const BadFile& file : prepared.others) log_info("not taken: {}", file.reason);
  for (const BadFile& file : prepared.mended)
    log_warning("{}: {} places of {}", file.path, file.count, file.reason);
  fmt::print("{} files, {} bytes of text, {} documents, {} tokens\nvocabulary: {}\nwritten: {}\n",
             prepared.files, prepared.bytes, prepared.documents, prepared.tokens,
             prepared.vocabulary.string(), line.text("out"));
  return 0;
}

int run_prepare(const ParsedLine& line) {
  Config config;
  auto table = option_table(config);
  apply_overrides(table, line.overrides);
  const std::string& kind = line.positional[0];
  if (kind == "text") return prepare_documents(line, config);
  if (kind == "images") return prepare_pictures(line, config);
  fail<UsageError>("d2v prepare: expected text or images, found '{}'", kind);
}

}  // namespace

const Command& prepare_command() {
  static const Command command{
      .spec = {.name = "prepare",
               .usage = "text INPUT… --out FILE [--text.vocabulary V | --train-vocab N]; images DIR --out "
                        "DIR [--side N] [--shards N] [--jpeg Q]",
               .summary = "turn text files into a token file; make smaller copies of pictures",
               .positional = {"KIND", "INPUT"},
               .min_positional = 2,
               .max_positional = 10000,
               .options =
                   {{"out", "PATH", "",
                     "the token file to write, such as text.d2vtok; the folder of the copies"},
                    {"side", "N", "256", "images: the shorter side of larger pictures, in pixels"},
                    {"shards", "N", "0",
                     "images: tar shards of N pictures each instead of loose files; 0: files"},
                    {"jpeg", "QUALITY", "0", "images: JPEGs of this quality, such as 95; 0: PNGs"},
                    {"train-vocab", "N", "0",
                     "train a SentencePiece vocabulary of N tokens on the text; FILE with the ending .model"},
                    {"documents", "files|paragraphs|lines", "files",
                     "what a document is; paragraphs end at blank lines"}},
               .takes_config = true,
               .details =
                   "INPUT is a file, or a folder that is searched for .txt. Text is UTF-8: invalid bytes "
                   "become U+FFFD, CRLF\nbecomes LF; files without text and with NUL bytes are left out and "
                   "named.\n\nImages: PNGs below the same folders; decoding and reducing pictures once pays "
                   "when it "
                   "takes longer than a\ntraining step per picture. A call that was cut goes on where it "
                   "stopped; copies of pictures that were changed are made again.\n--shards writes what "
                   "others read "
                   "as WebDataset: a picture and a .json with its label, in mixed order.\n"},
      .run = run_prepare};
  return command;
}

}  // namespace d2v
