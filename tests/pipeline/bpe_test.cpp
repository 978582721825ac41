// Byte-level BPE: words, ids against recorded ones of GPT-2's, long words, files that do not belong together.
#include "d2v/pipeline/bpe.h"

#include <fstream>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/philox.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = bpe_word_end(text, at);
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

using Words = std::vector<std::string>;

fs::path gpt2() { return test::test_data() / "datasets/text/gpt2_bpe"; }

std::vector<uint32_t> encode(Tokenizer& tokenizer, std::string_view text) {
  std::vector<uint32_t> ids;
  tokenizer.encode(text, ids);
  return ids;
}

// A vocabulary of the 256 bytes and a few pairs: "ab", "abab", "cab", …
void write_small_vocabulary(const fs::path& folder, const std::string& pairs,
                            const std::string& dictionary = "") {
  std::string json = "{";
  int id = 0;
  for (int byte = 0; byte < 256; ++byte) {
    int code = byte;
    if (byte < 33) code = 256 + byte;
    if (byte > 126 && byte < 161) code = 256 + 33 + byte - 127;
    if (byte == 173) code = 256 + 33 + 34;
    json += (id > 0 ? ", " : "") + fmt::format("\"\\u{:04x}\": {}", code, id);
    ++id;
  }
  for (const char* token : {"ab", "abab", "ca", "cab", "bb"})
    json += fmt::format(", \"{}\": {}", token, id++);
  test::write(folder / "encoder.json", json + "}");
  test::write(folder / "vocab.bpe", "#version: 0.2\n" + pairs);
  std::string words = dictionary;
  if (dictionary.empty()) {
    for (int token = id - 1; token >= 0; --token) words += fmt::format("{} 1\n", token);
  }
  test::write(folder / "dict.txt", words);
}

}  // namespace

TEST_CASE("words are those of GPT-2's pattern") {
  CHECK(words_of("Hello world") == Words{"Hello", " world"});
  CHECK(words_of("I've we'll it's 'tis x'd I'M") ==
        Words{"I", "'ve", " we", "'ll", " it", "'s", " '", "tis", " x", "'d", " I", "'", "M"});
  CHECK(words_of("a1b22 3.14") == Words{"a", "1", "b", "22", " 3", ".", "14"});
  CHECK(words_of("two  spaces") == Words{"two", " ", " spaces"});
  CHECK(words_of("a\nb\n\nc") == Words{"a", "\n", "b", "\n", "\n", "c"});
  CHECK(words_of("a \n b") == Words{"a", " \n", " b"});
  CHECK(words_of("a\n\t b ") == Words{"a", "\n\t", " b", " "});
  CHECK(words_of("end  \n\n") == Words{"end", "  \n\n"});
  CHECK(words_of("a\u00a0b") == Words{"a", "\u00a0", "b"});
  CHECK(words_of("\u65e5\u672c\u8a9e!") == Words{"\u65e5\u672c\u8a9e", "!"});
  CHECK(words_of("''s") == Words{"''", "s"});
}

TEST_CASE(
    "joins: the first pair of the file first, the leftmost of equal ones first; long words as short ones") {
  const test::TemporaryFolder folder;
  write_small_vocabulary(folder.path(), "a b\nab ab\nc a\nb b\nc ab\n");
  const auto tokenizer = open_gpt2(folder.path());
  CHECK(encode(*tokenizer, "ab") == std::vector<uint32_t>{256});
  CHECK(encode(*tokenizer, "cab") == std::vector<uint32_t>{259});
  CHECK(encode(*tokenizer, "ababab") == std::vector<uint32_t>{257, 256});
  CHECK(encode(*tokenizer, "bbb") == std::vector<uint32_t>{260, 'b'});
  // A word of more than 64 bytes takes another path; cut into the same joins it must give the same.
  Philox random({.seed = 8});
  for (int i = 0; i < 300; ++i) {
    std::string part;
    const uint32_t size = 1 + random.below(30);
    for (uint32_t k = 0; k < size; ++k) part += static_cast<char>('a' + random.below(3));
    const std::vector<uint32_t> alone = encode(*tokenizer, part + "x");
    std::string repeated;
    std::vector<uint32_t> expected;
    for (int k = 0; k < 70; ++k) {
      repeated += part + "x";  // no pair holds an x: nothing joins across it
      expected.insert(expected.end(), alone.begin(), alone.end());
    }
    CHECK(encode(*tokenizer, repeated) == expected);
    CHECK(tokenizer->decode(expected) == repeated);
  }
}

TEST_CASE("GPT-2's vocabulary: known ids, fairseq's order, text comes back") {
  D2V_NEED_TEST_DATA("datasets/text/gpt2_bpe");
  const auto plain = open_gpt2(gpt2());
  CHECK(encode(*plain, "Hello world") == std::vector<uint32_t>{15496, 995});
  CHECK(encode(*plain, "naïve café") == std::vector<uint32_t>{2616, 38776, 40304});
  const auto fairseq = open_bpe(gpt2());
  const Vocabulary& vocabulary = fairseq->vocabulary();
  CHECK(vocabulary.size == 51201);
  CHECK(vocabulary.mask == 51200);
  CHECK(vocabulary.bos == 0);
  // dict.txt begins with 13 (a full stop) and 262 (" the").
  CHECK(encode(*fairseq, ". the") == std::vector<uint32_t>{4, 5});
  const std::string text = "It's 3.14 \u2013 or so?\n\n  caf\u00e9 \U0001f600\tend ";
  CHECK(fairseq->decode(encode(*fairseq, text)) == text);
  CHECK(fairseq->copy()->vocabulary() == vocabulary);
  CHECK(vocabulary.hash != plain->vocabulary().hash);
}

TEST_CASE("a line of 300 kB without a space ends in time linear but for a logarithm") {
  D2V_NEED_TEST_DATA("datasets/text/odd/one_long_line.txt");
  const auto tokenizer = open_gpt2(gpt2());
  const std::string line = read_file(test::test_data() / "datasets/text/odd/one_long_line.txt", 1 << 20);
  CHECK(tokenizer->decode(encode(*tokenizer, line)) == line);
  std::string letters;
  Philox random({.seed = 2});
  for (int i = 0; i < 300000; ++i) letters += static_cast<char>('a' + random.below(26));
  CHECK(tokenizer->decode(encode(*tokenizer, letters)) == letters);
}

TEST_CASE("files that are broken or not of one vocabulary are refused by file and line") {
  const test::TemporaryFolder folder;
  const fs::path at = folder.path();
  const auto error = [&] { return test::message_of<DataError>([&] { open_bpe(at); }); };
  CHECK(contains(error(), "encoder.json"));
  write_small_vocabulary(at, "a b\n");
  CHECK_NOTHROW(open_bpe(at));
  write_small_vocabulary(at, "a b\nq z\n");
  CHECK(contains(error(), "vocab.bpe:3: the pair 'q z' or what it joins to is not in encoder.json"));
  write_small_vocabulary(at, "a b\nab\n");
  CHECK(contains(error(), "vocab.bpe:3: expected two tokens"));
  write_small_vocabulary(at, "");
  CHECK(contains(error(), "vocab.bpe: no pairs"));
  write_small_vocabulary(at, "a b\n", "13 5\n900000 2\n");
  CHECK(contains(error(), "dict.txt:2: token 900000 is not among the 261"));
  write_small_vocabulary(at, "a b\n", "13 5\n");
  CHECK(contains(error(), "dict.txt: has only 1 of the 261 tokens"));
  write_small_vocabulary(at, "a b\n", "13\n");
  CHECK(contains(error(), "dict.txt:1: expected a token and its count"));
  test::write(at / "encoder.json", "[1, 2]");
  CHECK(contains(error(), "encoder.json: expected a JSON object"));
  test::write(at / "encoder.json", "{\"a\": -1}");
  CHECK(contains(error(), "expected a number below 2^24"));
  test::write(at / "encoder.json", "{\"a\": 5, \"b\": 5}");
  CHECK(contains(error(), "encoder.json: the id 5 is given to two tokens"));
  test::write(at / "encoder.json", "{\"a\": 1}");
  CHECK(contains(error(), "no token for the byte 0"));
  constexpr size_t kDeep = 1000000;  // a printer that calls itself for each level would end the program
  test::write(at / "encoder.json", "{\"a\": " + std::string(kDeep, '[') + std::string(kDeep, ']') + "}");
  CHECK(contains(error(), "token a has the id array, expected a number"));
}
