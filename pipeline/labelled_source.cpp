#include "d2v/pipeline/labelled_source.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/pipeline/label_table.h"
#include "d2v/pipeline/list_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/synthetic.h"
#include "d2v/pipeline/tokenizer.h"
#include "listed_samples.h"
#include "name_pattern.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

struct Table {
  fs::path file;
  Split split = Split::none;
};

// The tables that `path` stands for; none: it is a folder of files.
std::vector<Table> tables_of(const fs::path& path) {
  if (!fs::is_directory(path)) {
    if (path.extension() == ".tsv") return {{path, Split::none}};
    return {};
  }
  if (!fs::exists(path / "train.tsv")) return {};
  std::vector<Table> tables{{path / "train.tsv", Split::train}};
  for (const char* name : {"valid.tsv", "val.tsv", "validation.tsv", "dev.tsv"}) {
    if (tables.size() == 1 && fs::exists(path / name)) tables.push_back({path / name, Split::valid});
  }
  if (fs::exists(path / "test.tsv")) tables.push_back({path / "test.tsv", Split::test});
  return tables;
}

FolderSource read_tables(const std::vector<Table>& tables, const Config& config) {
  FolderSource source;
  source.kind = config.model.modality;
  source.root = tables.front().file.has_parent_path() ? tables.front().file.parent_path() : fs::path(".");
  source.split_folders = tables.size() > 1;
  const bool texts = source.kind == Modality::text;
  auto rows = std::make_shared<TextRows>();
  std::unique_ptr<Tokenizer> tokenizer;
  if (texts) {
    check<UsageError>(!config.text.vocabulary.empty(),
                      "texts become tokens with the vocabulary that the model was trained with; give it with "
                      "--text.vocabulary PATH");
    tokenizer = open_tokenizer(config.text.vocabulary);
    rows->vocabulary = tokenizer->vocabulary();
    check<DataError>(
        config.text.vocabulary_size == 0 || rows->vocabulary.size == config.text.vocabulary_size,
        "{}: has {} tokens, the model was trained with {} (text.vocabulary_size); give that vocabulary",
        config.text.vocabulary, rows->vocabulary.size, config.text.vocabulary_size);
  }
  std::vector<std::string> labels;
  for (const Table& table : tables) {
    for (LabelledLine& line : read_label_table(table.file)) {
      FolderSample sample;
      sample.split = table.split;
      sample.id = sample.group = path_id(line.value);
      if (texts) {
        sample.path = fmt::format("{}:{}", table.file.filename().string(), line.line);
        std::vector<uint32_t> ids;
        tokenizer->encode(line.value, ids);
        std::vector<int64_t> tokens{rows->vocabulary.bos};
        tokens.insert(tokens.end(), ids.begin(), ids.end());
        tokens.push_back(rows->vocabulary.eos);
        tokens.resize(std::min(tokens.size(), static_cast<size_t>(config.text.block)));
        sample.length = static_cast<int64_t>(tokens.size());
        sample.text = static_cast<int64_t>(rows->texts.size());
        rows->texts.push_back(std::move(line.value));
        rows->tokens.push_back(std::move(tokens));
      } else {
        sample.path = line.value;
        check<DataError>(fs::is_regular_file(source.root / sample.path), "{}:{}: no such file: {}",
                         table.file.string(), line.line, (source.root / sample.path).string());
      }
      source.samples.push_back(std::move(sample));
      labels.push_back(std::move(line.label));
    }
  }
  if (texts) source.texts = std::move(rows);
  set_classes(source, labels);
  return source;
}

}  // namespace

void set_classes_by_name(FolderSource& source, const std::string& pattern) {
  const std::regex expression = name_pattern(pattern, "classes", "class", "^([0-9])_");
  std::vector<std::string> labels;
  for (const FolderSample& sample : source.samples) {
    const std::string name = fs::path(sample.path).filename().string();
    labels.push_back(found_in(name, expression));
    check<DataError>(!labels.back().empty(), "--classes '{}': finds no class in the file name '{}' ({})",
                     pattern, name, source.root.string());
  }
  set_classes(source, labels);
}

bool is_label_table(const fs::path& path) { return manifests_of(path).empty() && !tables_of(path).empty(); }

FolderSource open_labelled(const Config& config, const std::string& classes) {
  const Modality modality = config.model.modality;
  const fs::path path = config.data.path;
  check<UsageError>(!path.empty(), "which {}? Give their folder with --data.path DIR",
                    modality == Modality::text ? "texts" : samples_word(modality));
  if (modality == Modality::text && is_synthetic(path))
    return synthetic_texts(path.string(), config.text.block, config.data);
  const bool manifest = is_sound(modality) && !manifests_of(path).empty();
  const std::vector<Table> tables = manifest ? std::vector<Table>{} : tables_of(path);
  check<UsageError>(tables.empty() || classes.empty(),
                    "--classes is for folders; the table {} has its own labels",
                    tables.empty() ? path.string() : tables.front().file.string());
  RecordingLimits limits(config);
  limits.min_seconds = 0;
  const LengthScan scan{.cache = length_cache_file(path), .threads = config.data.threads};
  if (!tables.empty()) {
    FolderSource source = read_tables(tables, config);
    if (is_sound(modality)) keep_usable_recordings(source, config.data, limits, scan);
    return source;
  }
  check<DataError>(
      modality != Modality::text,
      "{}: expected a table of lines label<TAB>text that ends in .tsv, or a folder with train.tsv "
      "and test.tsv",
      path.string());
  FolderSource source = is_sound(modality) ? open_recordings(path, config.data, limits, scan)
                                           : open_pictures(path, config.data);
  if (!classes.empty()) set_classes_by_name(source, classes);
  return source;
}

}  // namespace d2v
