// The files of a byte-pair vocabulary, checked against one another. Private to the pipeline.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/pipeline/tokenizer.h"

namespace d2v {

inline constexpr uint32_t kNoToken = std::numeric_limits<uint32_t>::max();

// From pairs of tokens to what they join to. Open addressing; filled once.
class PairTable {
 public:
  struct Join {
    uint32_t rank = kNoToken;
    uint32_t id = 0;
  };
  void reserve(size_t count) {
    size_t slots = 1024;
    while (slots < 2 * count) slots *= 2;
    keys_.assign(slots, ~uint64_t{0});
    joins_.assign(slots, {});
  }
  // The first of equal pairs stays.
  void add(uint32_t left, uint32_t right, Join join) {
    const size_t slot = find(left, right);
    if (keys_[slot] != ~uint64_t{0}) return;
    keys_[slot] = key(left, right);
    joins_[slot] = join;
  }
  Join operator()(uint32_t left, uint32_t right) const { return joins_[find(left, right)]; }

 private:
  static uint64_t key(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }
  size_t find(uint32_t left, uint32_t right) const {
    const uint64_t wanted = key(left, right);
    size_t slot = wanted * 0x9e3779b97f4a7c15u >> 20 & (keys_.size() - 1);
    while (keys_[slot] != wanted && keys_[slot] != ~uint64_t{0}) slot = (slot + 1) & (keys_.size() - 1);
    return slot;
  }
  std::vector<uint64_t> keys_;
  std::vector<Join> joins_;
};

struct BpeFiles {
  std::array<uint32_t, 256> bytes{};  // GPT-2 id of a byte
  PairTable pairs;
  std::vector<std::string> tokens;  // bytes of a GPT-2 id
  std::vector<uint32_t> out;        // id to give for a GPT-2 id
  std::vector<uint32_t> back;       // GPT-2 id of an id, kNoToken for special tokens
  Vocabulary vocabulary;
};

// What the files hold.
struct BpeTexts {
  std::string_view encoder, pairs;  // encoder.json, vocab.bpe
  std::optional<std::string_view>
      dictionary;  // dict.txt; without it ids are GPT-2's, and there are no special tokens
};

// `folder` is for messages. Throws DataError as bpe.h says.
std::shared_ptr<const BpeFiles> parse_bpe_files(const BpeTexts& texts, const std::filesystem::path& folder);

// A tokenizer of them (bpe.cpp).
std::unique_ptr<Tokenizer> make_bpe(std::shared_ptr<const BpeFiles> files);

// Without `dictionary` ids are GPT-2's, and there are no special tokens. Throws DataError as bpe.h says.
std::shared_ptr<const BpeFiles> read_bpe_files(const std::filesystem::path& folder, bool dictionary);

}  // namespace d2v
