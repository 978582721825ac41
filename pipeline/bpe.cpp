#include "d2v/pipeline/bpe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <queue>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/utf8.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr uint64_t kMaxFile = 256u << 20;
constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

// --- the files --------------------------------------------------------------------------------------

// The files write every byte as a visible character: 33 … 126, 161 … 172 and 174 … 255 as themselves, the others in
// their order as 256, 257, ….
std::array<char32_t, 256> visible_characters() {
  std::array<char32_t, 256> table{};
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    table[static_cast<size_t>(byte)] = itself ? static_cast<char32_t>(byte) : next++;
  }
  return table;
}

// Back to bytes; false where a character stands for none.
bool to_bytes(std::string_view visible, std::string& bytes) {
  static const auto table = [] {
    std::unordered_map<char32_t, char> map;
    const auto characters = visible_characters();
    for (size_t byte = 0; byte < 256; ++byte) map[characters[byte]] = static_cast<char>(byte);
    return map;
  }();
  bytes.clear();
  for (size_t at = 0; at < visible.size();) {
    const Utf8Char c = utf8_at(visible, at);
    const auto byte = table.find(c.code);
    if (!c.valid || byte == table.end()) return false;
    bytes += byte->second;
    at += c.bytes;
  }
  return true;
}

// Calls line(text, number) for every line, numbers from 1, without line ends.
template <class F>
void each_line(std::string_view text, F&& line) {
  for (size_t at = 0, number = 1; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view one = text.substr(at, end - at);
    if (one.ends_with('\r')) one.remove_suffix(1);
    line(one, number);
    at = end + 1;
  }
}

// --- a table from two numbers to two numbers ----------------------------------------------------------

// Open addressing; filled once.
class PairTable {
 public:
  struct Join {
    uint32_t rank = kNone;
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

// --- what was read ------------------------------------------------------------------------------------

struct BpeFiles {
  std::array<uint32_t, 256> bytes{};  // GPT-2 id of a byte
  PairTable pairs;
  std::vector<std::string> tokens;  // bytes of a GPT-2 id
  std::vector<uint32_t> out;        // id to give for a GPT-2 id
  std::vector<uint32_t> back;       // GPT-2 id of an id, kNone for special tokens
  Vocabulary vocabulary;
};

using Encoder = std::unordered_map<std::string, uint32_t>;

Encoder read_encoder(const fs::path& file, std::string_view text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  check<DataError>(json.is_object(), "{}: expected a JSON object of tokens and ids", file.string());
  Encoder encoder;
  std::string bytes;
  for (const auto& [token, id] : json.items()) {
    check<DataError>(id.is_number_unsigned() && id.get<uint64_t>() < (1u << 24),
                     "{}: token {} has the id {}, expected a number below 2^24", file.string(), token,
                     id.dump());
    // Special tokens such as <|endoftext|> are ASCII and so stand for themselves.
    check<DataError>(to_bytes(token, bytes), "{}: token {} is not written in GPT-2's characters for bytes",
                     file.string(), token);
    encoder[bytes] = id.get<uint32_t>();
  }
  return encoder;
}

void take_encoder(const fs::path& file, const Encoder& encoder, BpeFiles& files) {
  uint32_t last = 0;
  for (const auto& [token, id] : encoder) last = std::max(last, id);
  check<DataError>(last < 4 * encoder.size() + 1024, "{}: ids go up to {} for {} tokens", file.string(), last,
                   encoder.size());
  files.tokens.resize(last + 1);
  for (const auto& [token, id] : encoder) files.tokens[id] = token;
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = encoder.find(std::string(1, static_cast<char>(byte)));
    check<DataError>(found != encoder.end(), "{}: no token for the byte {}", file.string(), byte);
    files.bytes[static_cast<size_t>(byte)] = found->second;
  }
}

void take_pairs(const fs::path& file, std::string_view text, const Encoder& encoder, BpeFiles& files) {
  files.pairs.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  uint32_t rank = 0;
  std::string left, right;
  each_line(text, [&](std::string_view line, size_t number) {
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const size_t space = line.find(' ');
    check<DataError>(space != std::string_view::npos && space > 0 && space + 1 < line.size() &&
                         line.find(' ', space + 1) == std::string_view::npos &&
                         to_bytes(line.substr(0, space), left) && to_bytes(line.substr(space + 1), right),
                     "{}:{}: expected two tokens with a space between, found '{}'", file.string(), number,
                     line);
    const auto a = encoder.find(left), b = encoder.find(right), joined = encoder.find(left + right);
    check<DataError>(
        a != encoder.end() && b != encoder.end() && joined != encoder.end(),
        "{}:{}: the pair '{}' or what it joins to is not in encoder.json; the two files are not of one "
        "vocabulary",
        file.string(), number, line);
    files.pairs.add(a->second, b->second, {rank++, joined->second});
  });
  check<DataError>(rank > 0, "{}: no pairs", file.string());
}

void take_dictionary(const fs::path& file, std::string_view text, BpeFiles& files) {
  files.out.assign(files.tokens.size(), Vocabulary{}.unk);
  files.back.assign(kFirstToken, kNone);
  size_t known = 0;
  each_line(text, [&](std::string_view line, size_t number) {
    const std::string_view word = line.substr(0, line.rfind(' '));
    check<DataError>(!word.empty() && word.size() < line.size(),
                     "{}:{}: expected a token and its count, found '{}'", file.string(), number, line);
    uint32_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    const bool number_word = error == std::errc{} && end == word.data() + word.size();
    if (number_word) {  // others fill the table up
      check<DataError>(
          id < files.tokens.size(),
          "{}:{}: token {} is not among the {} of encoder.json; the two files are not of one vocabulary",
          file.string(), number, id, files.tokens.size());
      files.out[id] = static_cast<uint32_t>(files.back.size());
      ++known;
    }
    files.back.push_back(number_word ? id : kNone);
  });
  check<DataError>(
      known * 2 > files.tokens.size(),
      "{}: has only {} of the {} tokens of encoder.json; the two files are not of one vocabulary",
      file.string(), known, files.tokens.size());
  files.vocabulary.size = static_cast<uint32_t>(files.back.size()) + 1;
  files.vocabulary.mask = files.vocabulary.size - 1;
}

std::shared_ptr<const BpeFiles> read_files(const fs::path& folder, bool dictionary) {
  auto files = std::make_shared<BpeFiles>();
  const fs::path encoder_file = folder / "encoder.json", pairs_file = folder / "vocab.bpe";
  const std::string encoder_text = read_file(encoder_file, kMaxFile),
                    pairs_text = read_file(pairs_file, kMaxFile);
  const Encoder encoder = read_encoder(encoder_file, encoder_text);
  take_encoder(encoder_file, encoder, *files);
  take_pairs(pairs_file, pairs_text, encoder, *files);
  uint64_t hash = path_id(encoder_text) * 31 + path_id(pairs_text);
  if (dictionary) {
    const fs::path file = folder / "dict.txt";
    const std::string text = read_file(file, kMaxFile);
    take_dictionary(file, text, *files);
    hash = hash * 31 + path_id(text);
  } else {
    files->vocabulary.size = static_cast<uint32_t>(files->tokens.size());
    for (uint32_t id = 0; id < files->tokens.size(); ++id) {
      files->out.push_back(id);
      files->back.push_back(id);
    }
  }
  files->vocabulary.hash = std::max<uint64_t>(hash, 1);
  return files;
}

// --- encoding -----------------------------------------------------------------------------------------

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
      const uint32_t token = id < files_->back.size() ? files_->back[id] : kNone;
      if (token != kNone) text += files_->tokens[token];
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
      if (best.rank == kNone) return;
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
      if (join.rank != kNone) queue.push({join.rank, at, left, right, join.id});
    };
    for (uint32_t i = 0; i < count; ++i) offer(i);
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      const uint32_t right = next[best.at];
      // Either symbol may have been joined to another since; a symbol that is gone is kNone.
      if (right >= count || symbols_[best.at] != best.left || symbols_[right] != best.right) continue;
      symbols_[best.at] = best.id;
      symbols_[right] = kNone;
      next[best.at] = next[right];
      if (next[right] < count) before[next[right]] = best.at;
      offer(before[best.at]);
      offer(best.at);
    }
    std::erase(symbols_, kNone);
  }

  std::shared_ptr<const BpeFiles> files_;
  WordMemory memory_;
  std::vector<uint32_t> symbols_;
};

}  // namespace

std::unique_ptr<Tokenizer> open_bpe(const fs::path& folder) {
  return std::make_unique<Bpe>(read_files(folder, true));
}

std::unique_ptr<Tokenizer> open_gpt2(const fs::path& folder) {
  return std::make_unique<Bpe>(read_files(folder, false));
}

}  // namespace d2v
