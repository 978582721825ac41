// From text to token ids: GPT-2's byte-level byte pairs, or SentencePiece.
//
// Ids are those of fairseq's dictionaries: <s> 0, <pad> 1, </s> 2, <unk> 3, then the vocabulary's tokens in its order,
// then <mask> last.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace d2v {

struct Vocabulary {
  uint64_t hash = 0;  // of the files it was read from; 0: unknown
  uint32_t size = 0;  // with the special tokens
  uint32_t bos = 0;
  uint32_t pad = 1;
  uint32_t eos = 2;
  uint32_t unk = 3;
  uint32_t mask = 0;  // size - 1
  bool operator==(const Vocabulary&) const = default;
};
inline constexpr uint32_t kFirstToken = 4;

// Not thread-safe: copies share what they read and keep a memory of words of their own.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual const Vocabulary& vocabulary() const = 0;
  // Appends the ids of valid UTF-8, without <s> and </s>.
  virtual void encode(std::string_view text, std::vector<uint32_t>& ids) = 0;
  // For messages and tests.
  virtual std::string decode(const std::vector<uint32_t>& ids) const = 0;
  virtual std::unique_ptr<Tokenizer> copy() const = 0;
};

// A folder with encoder.json, vocab.bpe and dict.txt (bpe.h), or a SentencePiece model (any file). Throws DataError that
// names the file: missing, unreadable, files that do not belong together.
std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& vocabulary);

}  // namespace d2v
