#include "d2v/pipeline/bpe.h"

#include <cstring>
#include <queue>
#include <span>
#include <string>

#include "bpe_files.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

// Words seen and their ids. When full it is emptied: natural text fills it again with what is common.
class WordMemory {
 public:
  WordMemory() { clear(); }
  // Empty where the word is new.
  std::span<const uint32_t> find(std::string_view word, uint64_t hash) const {
    for (size_t slot = hash & (kSlots - 1); slots_[slot].count > 0; slot = (slot + 1) & (kSlots - 1)) {
      const Entry& entry = slots_[slot];
      if (entry.hash == hash && word == std::string_view(text_).substr(entry.text, entry.length))
        return std::span(ids_).subspan(entry.ids, entry.count);
    }
    return {};
  }
  void add(std::string_view word, uint64_t hash, std::span<const uint32_t> ids) {
    if (used_ == kSlots / 2) clear();
    size_t slot = hash & (kSlots - 1);
    while (slots_[slot].count > 0) slot = (slot + 1) & (kSlots - 1);
    slots_[slot] = {hash, static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(word.size()),
                    static_cast<uint32_t>(ids_.size()), static_cast<uint32_t>(ids.size())};
    text_ += word;
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    ++used_;
  }

 private:
  static constexpr size_t kSlots = size_t{1} << 17;
  struct Entry {
    uint64_t hash = 0;
    uint32_t text = 0, length = 0, ids = 0, count = 0;
  };
  void clear() {
    slots_.assign(kSlots, {});
    text_.clear();
    ids_.clear();
    used_ = 0;
  }
  std::vector<Entry> slots_;
  std::string text_;
  std::vector<uint32_t> ids_;
  size_t used_ = 0;
};

uint64_t hash_of(std::string_view word) {
  uint64_t hash = word.size() * 0x9e3779b97f4a7c15u;
  while (word.size() >= 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, word.data(), 8);
    hash = (hash ^ eight) * 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 31;
    word.remove_prefix(8);
  }
  uint64_t rest = 0;
  std::memcpy(&rest, word.data(), word.size());
  hash = (hash ^ rest) * 0x94d049bb133111ebu;
  return hash ^ hash >> 29;
}

class Bpe : public Tokenizer {
 public:
  explicit Bpe(std::shared_ptr<const BpeFiles> files) : files_(std::move(files)) {}
  const Vocabulary& vocabulary() const override { return files_->vocabulary; }
  std::unique_ptr<Tokenizer> copy() const override { return std::make_unique<Bpe>(files_); }

  void encode(std::string_view text, std::vector<uint32_t>& ids) override {
    for (size_t at = 0; at < text.size();) {
      const size_t end = bpe_word_end(text, at);
      encode_word(text.substr(at, end - at), ids);
      at = end;
    }
  }

  std::string decode(const std::vector<uint32_t>& ids) const override {
    std::string text;
    for (const uint32_t id : ids) {
      const uint32_t token = id < files_->back.size() ? files_->back[id] : kNoToken;
      if (token != kNoToken) text += files_->tokens[token];
    }
    return text;
  }

 private:
  static constexpr size_t kRemembered = 64;  // bytes; longer words hardly come twice
  static constexpr size_t kShort = 64;

  void encode_word(std::string_view word, std::vector<uint32_t>& ids) {
    const bool remember = word.size() <= kRemembered;
    const uint64_t hash = remember ? hash_of(word) : 0;
    if (remember) {
      if (const auto known = memory_.find(word, hash); !known.empty()) {
        ids.insert(ids.end(), known.begin(), known.end());
        return;
      }
    }
    symbols_.clear();
    for (const char byte : word) symbols_.push_back(files_->bytes[static_cast<uint8_t>(byte)]);
    if (symbols_.size() <= kShort) {
      join_short();
    } else {
      join_long();
    }
    for (uint32_t& symbol : symbols_) symbol = files_->out[symbol];
    if (remember) memory_.add(word, hash, symbols_);
    ids.insert(ids.end(), symbols_.begin(), symbols_.end());
  }

  // Looks at all pairs before each join.
  void join_short() {
    for (;;) {
      PairTable::Join best;
      size_t where = 0;
      for (size_t i = 0; i + 1 < symbols_.size(); ++i) {
        const PairTable::Join join = files_->pairs(symbols_[i], symbols_[i + 1]);
        if (join.rank < best.rank) {
          best = join;
          where = i;
        }
      }
      if (best.rank == kNoToken) return;
      symbols_[where] = best.id;
      symbols_.erase(symbols_.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
  }

  // The same joins in the same order, by a queue of pairs over a linked list: n log n for a word of n bytes.
  void join_long() {
    const auto count = static_cast<uint32_t>(symbols_.size());
    std::vector<uint32_t> next(count), before(count);
    for (uint32_t i = 0; i < count; ++i) {
      next[i] = i + 1;
      before[i] = i - 1;
    }
    struct Candidate {
      uint32_t rank, at, left, right, id;
      bool operator>(const Candidate& other) const {
        return rank != other.rank ? rank > other.rank : at > other.at;
      }
    };
    std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
    const auto offer = [&](uint32_t at) {
      if (at >= count || next[at] >= count) return;
      const uint32_t left = symbols_[at], right = symbols_[next[at]];
      const PairTable::Join join = files_->pairs(left, right);
      if (join.rank != kNoToken) queue.push({join.rank, at, left, right, join.id});
    };
    for (uint32_t i = 0; i < count; ++i) offer(i);
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      const uint32_t right = next[best.at];
      // Either symbol may have been joined to another since; a symbol that is gone is kNoToken.
      if (right >= count || symbols_[best.at] != best.left || symbols_[right] != best.right) continue;
      symbols_[best.at] = best.id;
      symbols_[right] = kNoToken;
      next[best.at] = next[right];
      if (next[right] < count) before[next[right]] = best.at;
      offer(before[best.at]);
      offer(best.at);
    }
    std::erase(symbols_, kNoToken);
  }

  std::shared_ptr<const BpeFiles> files_;
  WordMemory memory_;
  std::vector<uint32_t> symbols_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_bpe(std::shared_ptr<const BpeFiles> files) {
  return std::make_unique<Bpe>(std::move(files));
}

std::unique_ptr<Tokenizer> open_bpe(const fs::path& folder) { return make_bpe(read_bpe_files(folder, true)); }

std::unique_ptr<Tokenizer> open_gpt2(const fs::path& folder) {
  return make_bpe(read_bpe_files(folder, false));
}

}  // namespace d2v
