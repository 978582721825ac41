// UTF-8: every kind of broken sequence, the clean-up of line ends, kinds of characters.
#include "d2v/pipeline/utf8.h"

#include <string>

#include "doctest.h"

using namespace d2v;

namespace {

std::string clean(std::string_view text) {
  std::string out;
  append_clean(text, true, out);
  return out;
}

const std::string kBad = "\xef\xbf\xbd";

}  // namespace

TEST_CASE("valid text of one to four bytes is itself") {
  const std::string text = "a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";
  CHECK(clean(text) == text);
  CHECK(utf8_at(text, 2).code == 0xe9);
  CHECK(utf8_at(text, 5).code == 0x20ac);
  CHECK(utf8_at(text, 9).code == 0x1f600);
}

TEST_CASE("invalid bytes become one U+FFFD per longest beginning of a valid sequence, as in Python") {
  CHECK(clean("a\xff"
              "b") == "a" + kBad + "b");
  CHECK(clean("\xc0\xaf") == kBad + kBad);             // overlong
  CHECK(clean("\xed\xa0\x80") == kBad + kBad + kBad);  // surrogate
  CHECK(clean("\xf4\x90\x80\x80") == kBad + kBad + kBad + kBad);
  CHECK(clean("\xe2\x98") == kBad);  // cut at the end
  CHECK(clean("\xf0\x9f\x98"
              "a") == kBad + "a");
  CHECK(clean("\x80\x80") == kBad + kBad);
}

TEST_CASE("byte order mark, CRLF and CR; what was done is counted") {
  CHECK(clean("\xef\xbb\xbf"
              "a\r\nb\rc\n") == "a\nb\nc\n");
  std::string out;
  const CleanCount count = append_clean("a\r\nb\xff\r", false, out);
  CHECK(count.invalid == 1);
  CHECK(count.line_ends == 2);
  append_clean("\xef\xbb\xbf", false, out);
  CHECK(out == "a\nb" + kBad + "\n\xef\xbb\xbf");
}

TEST_CASE("letters, numbers and spaces of many scripts") {
  for (const char32_t c : {U'a', U'Z', U'é', U'ß', U'日', U'ک', U'ª', U'ǅ'})
    CHECK(char_kind(c) == CharKind::letter);
  for (const char32_t c : {U'0', U'9', U'²', U'½', U'Ⅷ', U'٣'}) CHECK(char_kind(c) == CharKind::number);
  for (const char32_t c : {U' ', U'\n', U'\t', U'\u00a0', U'\u2003', U'\u3000'})
    CHECK(char_kind(c) == CharKind::space);
  for (const char32_t c : {U'.', U'_', U'€', U'\u200b', U'\u0301', U'\U0001f600', char32_t{0x10ffff}})
    CHECK(char_kind(c) == CharKind::other);
}
