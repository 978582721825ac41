#include "d2v/pipeline/text_source.h"

#include <algorithm>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/synthetic.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr int64_t kLeast = 8;  // tokens of a sample, with <s>

void add_blocks(int64_t first, int64_t end, int64_t block, int64_t least, std::vector<TextBlock>& blocks) {
  while (first < end) {
    const int64_t length = std::min(end - first + 1, block);
    if (length >= least) blocks.push_back({first, length});
    first += block - 1;
  }
}

TextSource made_text(const std::string& spec, const TextConfig& text) {
  TextSource source;
  source.made = std::make_shared<SyntheticSet>(parse_synthetic(spec, Modality::text));
  source.vocabulary = source.made->token_vocabulary();
  check<UsageError>(text.vocabulary_size == 0 || text.vocabulary_size == source.vocabulary.size,
                    "{}: has a vocabulary of {} tokens, text.vocabulary_size says {}; set that to 0", spec,
                    source.vocabulary.size, text.vocabulary_size);
  for (int64_t i = 0; i < source.made->samples; ++i) source.blocks.push_back({i, text.block});
  return source;
}

Vocabulary vocabulary_of(const TokenFile& file, const TextConfig& text) {
  Vocabulary vocabulary = file.vocabulary();
  const bool named = !text.vocabulary.empty();
  const Vocabulary wanted = named ? open_tokenizer(text.vocabulary)->vocabulary() : Vocabulary{};
  if (vocabulary.size == 0) {  // fairseq's file
    check<UsageError>(
        named || text.vocabulary_size > 0,
        "{}: fairseq's files do not tell their vocabulary; give text.vocabulary, or text.vocabulary_size "
        "with the special tokens and <mask>",
        file.path().string());
    vocabulary = wanted;
    if (!named) {
      vocabulary.size = static_cast<uint32_t>(text.vocabulary_size);
      vocabulary.mask = vocabulary.size - 1;
    }
    return vocabulary;
  }
  check<DataError>(
      !named || vocabulary.hash == wanted.hash,
      "{}: was made with another vocabulary ({} tokens, {:016x}) than text.vocabulary {} ({} tokens, "
      "{:016x}); make it again with `d2v prepare text` or change text.vocabulary",
      file.path().string(), vocabulary.size, vocabulary.hash, text.vocabulary, wanted.size, wanted.hash);
  check<DataError>(text.vocabulary_size == 0 || text.vocabulary_size == vocabulary.size,
                   "{}: has a vocabulary of {} tokens, text.vocabulary_size says {}; set that to 0 to take "
                   "the file's, or make the file again with a vocabulary of that size (docs/data.md)",
                   file.path().string(), vocabulary.size, text.vocabulary_size);
  return vocabulary;
}

}  // namespace

uint64_t TextSource::id(uint32_t row) const {
  if (made) return made->id(blocks[row].first);
  return path_id(fmt::format("{} {}", file->path().filename().string(), blocks[row].first));
}

int32_t TextSource::label(uint32_t row) const { return made ? made->label(blocks[row].first) : -1; }

std::string TextSource::where() const { return made ? made->spec : file->path().string(); }

void TextSource::read(const TextBlock& block, std::span<int64_t> out) const {
  made ? made->make_tokens(block.first, out) : file->read(block.first, out);
}

std::string TextSource::name(uint32_t row) const {
  const TextBlock& block = blocks[row];
  if (made) return made->name(block.first);
  return fmt::format("tokens {} to {}", block.first, block.first + block.length - 2);
}

std::string TextSource::describe() const {
  if (made)
    return fmt::format("{} blocks of text, made up: {}, a vocabulary of {}", size(), where(),
                       vocabulary.size);
  return fmt::format("{} blocks of text in {}: {} tokens of {}, {} documents", size(), where(),
                     file->tokens(), vocabulary.size, file->documents());
}

TextSource open_text(const fs::path& path, const TextConfig& text) {
  check<UsageError>(!path.empty(), "data.path is not set; give a token file: --data.path FILE");
  if (is_synthetic(path)) return made_text(path.string(), text);
  TextSource source;
  source.file = std::make_shared<TokenFile>(path);
  source.vocabulary = vocabulary_of(*source.file, text);
  if (text.document_boundaries) {
    for (int64_t d = 0; d < source.file->documents(); ++d)
      add_blocks(source.file->start(d), source.file->start(d + 1), text.block, kLeast, source.blocks);
  } else {
    add_blocks(0, source.file->tokens(), text.block, text.block, source.blocks);
  }
  check<DataError>(!source.blocks.empty(),
                   "{}: its {} tokens are fewer than one block; add text or lower text.block {}",
                   path.string(), source.file->tokens(), text.block);
  return source;
}

TextSource subset(const TextSource& source, std::span<const uint32_t> rows) {
  TextSource part;
  part.file = source.file;
  part.made = source.made;
  part.vocabulary = source.vocabulary;
  for (const uint32_t row : rows) part.blocks.push_back(source.blocks.at(row));
  return part;
}

void check_same_vocabulary(const Vocabulary& train, const TextSource& valid) {
  const Vocabulary& found = valid.vocabulary;
  check<DataError>(
      found.size == train.size && (found.hash == train.hash || found.hash == 0 || train.hash == 0),
      "data.valid: {} has another vocabulary ({} tokens, {:016x}) than the text that is trained on ({} "
      "tokens, "
      "{:016x}); make it again with `d2v prepare text` and the vocabulary of that text",
      valid.where(), found.size, found.hash, train.size, train.hash);
}

TextSources open_texts(const DataConfig& data, const TextConfig& text, uint64_t seed) {
  TextSource all = open_text(data.path, text);
  if (data.valid.empty()) return {std::move(all), {}};
  if (!data.valid.ends_with('%')) {
    TextSource valid = open_text(data.valid, text);
    check_same_vocabulary(all.vocabulary, valid);
    return {std::move(all), std::move(valid)};
  }
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (uint32_t row = 0; row < all.size(); ++row) {
    order.emplace_back(Philox({.seed = seed,
                               .stream = Stream::split,
                               .step = static_cast<uint64_t>(Split::valid),
                               .sample = all.id(row)})
                           .next64(),
                       row);
  }
  std::sort(order.begin(), order.end());
  const auto count = static_cast<size_t>(static_cast<double>(all.size()) * held_out_share(data.valid) + 0.5);
  check<UsageError>(count > 0 && count < all.size(),
                    "data.valid: {} of {} blocks of text leaves {} held out; change it", data.valid,
                    all.size(), count);
  std::vector<uint32_t> valid, train;
  for (size_t i = 0; i < order.size(); ++i) (i < count ? valid : train).push_back(order[i].second);
  std::sort(valid.begin(), valid.end());
  std::sort(train.begin(), train.end());
  return {subset(all, train), subset(all, valid)};
}

}  // namespace d2v
