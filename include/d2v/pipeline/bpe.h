// GPT-2's byte-level byte-pair encoding (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019).
//
// Text is cut into words by the pattern  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// and each word, as bytes, is joined pair by pair, the pair that comes first in vocab.bpe first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "d2v/pipeline/tokenizer.h"

namespace d2v {

// End of the word that begins at text[at], by the pattern above.
size_t bpe_word_end(std::string_view text, size_t at);

// The folder's encoder.json (token → GPT-2 id), vocab.bpe (pairs) and dict.txt (order of ids; tokens that it lacks become
// <unk>). Throws DataError naming file and line: missing, broken, a byte or a joined pair without an id, a dict.txt of
// other tokens.
std::unique_ptr<Tokenizer> open_bpe(const std::filesystem::path& folder);

// As above without dict.txt: ids are GPT-2's, no special tokens.
std::unique_ptr<Tokenizer> open_gpt2(const std::filesystem::path& folder);

}  // namespace d2v
