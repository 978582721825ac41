// Any bytes become valid UTF-8, which GPT-2's words cover without gaps.
#include <cstdlib>
#include <string>

#include "d2v/pipeline/bpe.h"
#include "d2v/pipeline/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text;
  d2v::append_clean({reinterpret_cast<const char*>(data), size}, true, text);
  for (size_t at = 0; at < text.size();) {
    const d2v::Utf8Char c = d2v::utf8_at(text, at);
    if (!c.valid || c.bytes == 0) std::abort();
    at += c.bytes;
  }
  for (size_t at = 0; at < text.size();) {
    const size_t end = d2v::bpe_word_end(text, at);
    if (end <= at || end > text.size()) std::abort();
    at = end;
  }
  return 0;
}
