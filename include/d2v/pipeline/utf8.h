// Text as people have it made UTF-8 as tokenizers want it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace d2v {

// What the scanner of byte-pair encoding tells apart (Unicode 14): categories L*, N*, the property White_Space, the rest.
enum class CharKind : uint8_t { other, letter, number, space };
CharKind char_kind(char32_t code);

// The character at text[at] and its bytes; at < text.size(). Invalid bytes give U+FFFD and, as Unicode recommends and
// Python does, the length of the longest beginning of a valid sequence, at least 1.
struct Utf8Char {
  char32_t code = 0;
  uint32_t bytes = 0;
  bool valid = true;
};
Utf8Char utf8_at(std::string_view text, size_t at);

struct CleanCount {
  int64_t invalid = 0;    // places replaced by U+FFFD
  int64_t line_ends = 0;  // CRLF and CR made LF
};

// Appends `text` to `out`: without a byte order mark where `first`, with LF for CRLF and CR, with U+FFFD for invalid bytes.
CleanCount append_clean(std::string_view text, bool first, std::string& out);

}  // namespace d2v
