#include "d2v/pipeline/utf8.h"

#include <array>
#include <memory>

namespace d2v {
namespace {

struct KindRange {
  char32_t first;
  char32_t last;
  CharKind kind;
};

constexpr KindRange kRanges[] = {
#include "unicode_ranges.inc"
};

constexpr size_t kCodes = 0x110000;

// One byte per character.
std::unique_ptr<CharKind[]> kind_table() {
  auto table = std::make_unique<CharKind[]>(kCodes);
  for (const KindRange& range : kRanges)
    for (char32_t code = range.first; code <= range.last; ++code) table[code] = range.kind;
  return table;
}

// Bytes 2 to 4 of a sequence, by its first byte: how many, and the limits of the second, which exclude overlong forms,
// surrogates and codes above U+10FFFF.
struct Sequence {
  uint32_t more;
  uint8_t low;
  uint8_t high;
};

Sequence sequence_of(uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return {1, 0x80, 0xbf};
  if (lead == 0xe0) return {2, 0xa0, 0xbf};
  if (lead == 0xed) return {2, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {2, 0x80, 0xbf};
  if (lead == 0xf0) return {3, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {3, 0x80, 0xbf};
  if (lead == 0xf4) return {3, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

CharKind char_kind(char32_t code) {
  static const std::unique_ptr<CharKind[]> table = kind_table();
  return code < kCodes ? table[code] : CharKind::other;
}

Utf8Char utf8_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  const Sequence sequence = sequence_of(lead);
  if (sequence.more == 0) return {0xfffd, 1, false};
  char32_t code = lead & (0x3fu >> sequence.more);
  for (uint32_t i = 1; i <= sequence.more; ++i) {
    const uint8_t low = i == 1 ? sequence.low : 0x80, high = i == 1 ? sequence.high : 0xbf;
    if (at + i >= text.size() || byte(at + i) < low || byte(at + i) > high) return {0xfffd, i, false};
    code = code << 6 | (byte(at + i) & 0x3fu);
  }
  return {code, sequence.more + 1, true};
}

CleanCount append_clean(std::string_view text, bool first, std::string& out) {
  CleanCount count;
  if (first && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  size_t plain = 0;  // begin of what is copied as it is
  const auto copy_until = [&](size_t end) { out.append(text.substr(plain, end - plain)); };
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\r') {
      copy_until(at);
      out += '\n';
      ++count.line_ends;
      at += at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1;
      plain = at;
      continue;
    }
    const Utf8Char c = utf8_at(text, at);
    if (!c.valid) {
      copy_until(at);
      out += "\xef\xbf\xbd";
      ++count.invalid;
      plain = at + c.bytes;
    }
    at += c.bytes;
  }
  copy_until(text.size());
  return count;
}

}  // namespace d2v
