// Token ids on disk, read as mapped memory.
//
// Ours, little-endian: a header of 64 bytes (the text "d2vtok1\n", then as 32-bit numbers bytes per token 2 or 4,
// vocabulary size, <s>, <pad>, </s>, <unk>, <mask> and 0, then the vocabulary's 64-bit hash and zeros); the tokens of all
// documents, each ended by </s>; zeros up to a multiple of 8; per document the 64-bit number of its first token, and the
// number of all tokens; a trailer of 32 bytes (64-bit numbers of tokens and documents, byte where the documents begin,
// the text "d2vtok1\n"). A file that was cut has no trailer.
// Also fairseq's pairs .bin and .idx (its "mmap" format): each sentence is a document; the vocabulary is not in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "d2v/base/file.h"
#include "d2v/base/mapped_file.h"
#include "d2v/pipeline/tokenizer.h"

namespace d2v {

class TokenFile {
 public:
  // Our format, or fairseq's (either file's name, or both without the ending). Throws DataError that names the file and
  // says what is wrong: missing, of another kind, cut, numbers that do not fit together.
  explicit TokenFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // hash 0 and size 0 for fairseq's files.
  const Vocabulary& vocabulary() const { return vocabulary_; }
  int64_t tokens() const { return starts_.empty() ? 0 : static_cast<int64_t>(starts_.back()); }
  int64_t documents() const { return static_cast<int64_t>(starts_.size()) - 1; }
  int64_t bytes_per_token() const { return bytes_; }
  // The number of its first token; of documents(): tokens().
  int64_t start(int64_t document) const {
    return static_cast<int64_t>(starts_[static_cast<size_t>(document)]);
  }
  // Tokens first, first + 1, …, as they are in the file.
  void read(int64_t first, std::span<int64_t> out) const;

 private:
  void open_ours();
  void open_fairseq(const std::filesystem::path& index);

  std::filesystem::path path_;
  MappedFile file_;
  Vocabulary vocabulary_;
  const std::byte* data_ = nullptr;
  int bytes_ = 0;  // per token
  std::span<const uint64_t> starts_;
  std::vector<uint64_t> made_starts_;  // fairseq
};

// Writes our format: the file is complete or absent.
class TokenWriter {
 public:
  TokenWriter(const std::filesystem::path& path, const Vocabulary& vocabulary);
  // One document; </s> is added. Throws Error for an id that the vocabulary lacks, StorageError.
  void add(std::span<const uint32_t> document);
  void commit();
  int64_t tokens() const { return tokens_; }
  int64_t documents() const { return static_cast<int64_t>(starts_.size()); }

 private:
  void put(std::span<const uint32_t> ids);
  AtomicFile file_;
  Vocabulary vocabulary_;
  int64_t tokens_ = 0;
  std::vector<uint64_t> starts_;
  std::vector<uint16_t> narrow_;
};

}  // namespace d2v
