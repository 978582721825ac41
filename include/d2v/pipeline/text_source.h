// A token file as a list of samples: blocks of text.block tokens, <s> included. Or made-up blocks (synthetic.h).
//
// All documents behind one another are cut into blocks; the last, shorter one is left out. With
// text.document_boundaries each document is cut on its own, and what is left of it, from 8 tokens on, is a shorter
// sample. A sample's id depends on the file's name and the place in it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/base/config/modality.h"
#include "d2v/pipeline/source.h"
#include "d2v/pipeline/token_file.h"

namespace d2v {

struct SyntheticSet;

struct TextBlock {
  int64_t first = 0;   // token of the file
  int64_t length = 0;  // with <s>
};

struct TextSource : Source {
  std::shared_ptr<const TokenFile> file;     // null where the blocks are made up
  std::shared_ptr<const SyntheticSet> made;  // else null; `first` of a block is its number there
  Vocabulary
      vocabulary;  // the file's, or for fairseq's files what text.vocabulary or text.vocabulary_size say
  std::vector<TextBlock> blocks;

  Modality modality() const override { return Modality::text; }
  size_t size() const override { return blocks.size(); }
  uint64_t id(uint32_t row) const override;
  int32_t label(uint32_t row) const override;
  std::string name(uint32_t row) const override;  // "tokens 512 to 1023"
  std::string where() const override;
  int64_t length(uint32_t row) const override { return blocks[row].length; }
  std::string describe() const override;
  // The block's tokens behind <s>.
  virtual void read(const TextBlock& block, std::span<int64_t> out) const;
};

// Throws DataError as TokenFile does; where text.vocabulary is another one than the file was made with; where the file is
// shorter than one block. Throws UsageError where a fairseq file's vocabulary is given by neither option.
TextSource open_text(const std::filesystem::path& path, const TextConfig& text);

TextSource subset(const TextSource& source, std::span<const uint32_t> rows);

// Throws DataError where held-out text is not of the vocabulary that is trained on. Where a file does not tell its own
// (fairseq's), only the sizes are compared.
void check_same_vocabulary(const Vocabulary& train, const TextSource& valid);

// data.path, and data.valid: another token file of the same vocabulary, or a share such as 5% of the blocks, taken by key.
struct TextSources {
  TextSource train;
  TextSource valid;  // no blocks: nothing is held out
};
TextSources open_texts(const DataConfig& data, const TextConfig& text, uint64_t seed);

}  // namespace d2v
