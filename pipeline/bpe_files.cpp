#include "bpe_files.h"

#include <algorithm>
#include <charconv>
#include <string_view>
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

using Encoder = std::unordered_map<std::string, uint32_t>;

Encoder read_encoder(const fs::path& file, std::string_view text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  check<DataError>(json.is_object(), "{}: expected a JSON object of tokens and ids", file.string());
  Encoder encoder;
  std::string bytes;
  for (const auto& [token, id] : json.items()) {
    // Not dump() of lists and objects: it calls itself for each level, and a file may nest them as deep as it is long.
    check<DataError>(id.is_number_unsigned() && id.get<uint64_t>() < (1u << 24),
                     "{}: token {} has the id {}, expected a number below 2^24", file.string(), token,
                     id.is_structured() ? id.type_name() : id.dump());
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
  std::vector<bool> given(last + 1);
  for (const auto& [token, id] : encoder) {
    check<DataError>(!given[id], "{}: the id {} is given to two tokens", file.string(), id);
    given[id] = true;
    files.tokens[id] = token;
  }
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
  files.back.assign(kFirstToken, kNoToken);
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
    files.back.push_back(number_word ? id : kNoToken);
  });
  check<DataError>(
      known * 2 > files.tokens.size(),
      "{}: has only {} of the {} tokens of encoder.json; the two files are not of one vocabulary",
      file.string(), known, files.tokens.size());
  files.vocabulary.size = static_cast<uint32_t>(files.back.size()) + 1;
  files.vocabulary.mask = files.vocabulary.size - 1;
}

}  // namespace

std::shared_ptr<const BpeFiles> parse_bpe_files(const BpeTexts& texts, const fs::path& folder) {
  auto files = std::make_shared<BpeFiles>();
  const Encoder encoder = read_encoder(folder / "encoder.json", texts.encoder);
  take_encoder(folder / "encoder.json", encoder, *files);
  take_pairs(folder / "vocab.bpe", texts.pairs, encoder, *files);
  uint64_t hash = path_id(texts.encoder) * 31 + path_id(texts.pairs);
  if (texts.dictionary) {
    take_dictionary(folder / "dict.txt", *texts.dictionary, *files);
    hash = hash * 31 + path_id(*texts.dictionary);
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

std::shared_ptr<const BpeFiles> read_bpe_files(const fs::path& folder, bool dictionary) {
  const std::string encoder = read_file(folder / "encoder.json", kMaxFile),
                    pairs = read_file(folder / "vocab.bpe", kMaxFile);
  if (!dictionary) return parse_bpe_files({encoder, pairs, std::nullopt}, folder);
  const std::string dictionary_text = read_file(folder / "dict.txt", kMaxFile);
  return parse_bpe_files({encoder, pairs, dictionary_text}, folder);
}

}  // namespace d2v
