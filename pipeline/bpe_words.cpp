#include "d2v/pipeline/bpe.h"
#include "d2v/pipeline/utf8.h"

namespace d2v {
namespace {

// Letters after the apostrophe of a contraction at text[at]; 0: none.
size_t contraction(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at + 1, 2);
  if (rest == "re" || rest == "ve" || rest == "ll") return 2;
  if (!rest.empty() && (rest[0] == 's' || rest[0] == 't' || rest[0] == 'm' || rest[0] == 'd')) return 1;
  return 0;
}

}  // namespace

size_t bpe_word_end(std::string_view text, size_t at) {
  if (text[at] == '\'') {
    if (const size_t letters = contraction(text, at); letters > 0) return at + 1 + letters;
  }
  size_t next = at;
  const auto kind_here = [&](Utf8Char& c) {
    c = utf8_at(text, next);
    return char_kind(c.code);
  };
  Utf8Char c;
  CharKind kind = kind_here(c);
  if (kind == CharKind::space) {
    // A run of spaces leaves its last one to the word that follows.
    size_t last = at;
    while (next < text.size() && kind_here(c) == CharKind::space) {
      last = next;
      next += c.bytes;
    }
    if (next == text.size()) return next;
    if (last > at) return last;
    if (text[at] != ' ') return next;
    kind = kind_here(c);
  }
  do {
    next += c.bytes;
  } while (next < text.size() && kind_here(c) == kind);
  return next;
}

}  // namespace d2v
