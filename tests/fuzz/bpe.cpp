// Any texts are a byte-pair vocabulary or a DataError. With one that is read, text comes back from its ids, and ids lie in
// the vocabulary.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "bpe_files.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/utf8.h"

namespace {

// The tokens that encoder.json must have: one for each byte, with the ids 0 to 255.
const std::string& byte_tokens() {
  static const std::string json = [] {
    std::string text = "{";
    int visible = 256;
    for (int byte = 0; byte < 256; ++byte) {
      const bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      text += fmt::format("{}\"\\u{:04x}\":{}", byte > 0 ? "," : "", itself ? byte : visible++, byte);
    }
    return text;
  }();
  return json;
}

void encode_and_decode(const std::shared_ptr<const d2v::BpeFiles>& files, std::string_view text, bool same) {
  if (text.empty()) return;  // a tokenizer clears megabytes of memory: slow, where only the files are tried
  const auto tokenizer = d2v::make_bpe(files);
  std::vector<uint32_t> ids;
  tokenizer->encode(text, ids);
  for (const uint32_t id : ids)
    if (id >= files->vocabulary.size) std::abort();
  const std::string back = tokenizer->decode(ids);
  if (same && back != text) std::abort();
}

std::string_view up_to_nul(std::string_view& rest) {
  const size_t end = std::min(rest.find('\0'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace

// encoder.json, vocab.bpe, dict.txt and a text, with NUL between them. An encoder.json that does not begin with '{' gets the
// bytes' tokens in front.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view given = up_to_nul(rest);
  const std::string encoder =
      given.starts_with('{') ? std::string(given) : byte_tokens() + std::string(given) + "}";
  const std::string_view pairs = up_to_nul(rest), dictionary = up_to_nul(rest);
  std::string text;
  d2v::append_clean(rest, true, text);
  try {
    encode_and_decode(d2v::parse_bpe_files({encoder, pairs, std::nullopt}, "fuzz"), text, true);
    encode_and_decode(d2v::parse_bpe_files({encoder, pairs, dictionary}, "fuzz"), text, false);
  } catch (const d2v::DataError&) {
  }
  return 0;
}
