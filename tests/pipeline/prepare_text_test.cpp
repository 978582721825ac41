// Raw text to token files: documents, clean-up, what is left out, both kinds of vocabulary, training one.
#include "d2v/pipeline/prepare_text.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/bpe.h"
#include "d2v/pipeline/token_file.h"
#include "odd_files.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

fs::path text_data() { return test::test_data() / "datasets/text"; }

// The documents of a token file as text.
std::vector<std::string> documents_of(const fs::path& path, const fs::path& vocabulary) {
  const TokenFile file(path);
  const auto tokenizer = open_tokenizer(vocabulary);
  std::vector<std::string> documents;
  for (int64_t d = 0; d < file.documents(); ++d) {
    std::vector<int64_t> tokens(static_cast<size_t>(file.start(d + 1) - file.start(d)));
    file.read(file.start(d), tokens);
    CHECK(tokens.back() == 2);
    documents.push_back(tokenizer->decode({tokens.begin(), tokens.end()}));
  }
  return documents;
}

using PreparedTexts = std::vector<std::string>;

}  // namespace

TEST_CASE("a document is a file, a paragraph or a line") {
  D2V_NEED_TEST_DATA("datasets/text/gpt2_bpe");
  const test::TemporaryFolder folder;
  test::write(folder.path() / "in/b.txt", "\xef\xbb\xbfone\r\ntwo\r\n\r\n\r\nthree\r\n");
  test::write(folder.path() / "in/a/a.txt", "first");
  test::write(folder.path() / "in/other.md", "not text by its name");
  PrepareText settings{.inputs = {folder.path() / "in"},
                       .output = folder.path() / "t.d2vtok",
                       .vocabulary = (text_data() / "gpt2_bpe").string()};
  const auto documents = [&](TextDocuments kind) {
    settings.documents = kind;
    const PreparedText prepared = prepare_text(settings);
    CHECK(prepared.files == 2);
    REQUIRE(prepared.others.size() == 1);
    CHECK(contains(prepared.others[0].reason, "other.md: not text by its name"));
    const PreparedTexts found = documents_of(settings.output, settings.vocabulary);
    CHECK(prepared.documents == static_cast<int64_t>(found.size()));
    CHECK(prepared.tokens == TokenFile(settings.output).tokens());
    return found;
  };
  CHECK(documents(TextDocuments::files) == PreparedTexts{"first", "one\ntwo\n\n\nthree\n"});
  CHECK(documents(TextDocuments::paragraphs) == PreparedTexts{"first", "one\ntwo", "three\n"});
  CHECK(documents(TextDocuments::lines) == PreparedTexts{"first", "one", "two", "three"});
  CHECK(TokenFile(settings.output).vocabulary() == open_bpe(settings.vocabulary)->vocabulary());
}

TEST_CASE("odd text: each file is used, mended and counted, or left out with a reason") {
  D2V_NEED_TEST_DATA("datasets/text/odd");
  const test::TemporaryFolder folder;
  PrepareText settings{.inputs = {text_data() / "odd"},
                       .output = folder.path() / "t.d2vtok",
                       .vocabulary = (text_data() / "gpt2_bpe").string(),
                       .max_bad_fraction = 0.5};
  const PreparedText prepared = prepare_text(settings);
  CHECK(prepared.files == 12);
  REQUIRE(prepared.left_out.size() == test::kOddTexts.size());
  size_t at = 0;
  for (const auto& [name, reason] : test::kOddTexts)
    CHECK(contains(prepared.left_out[at++].reason, name + ": " + reason));
  REQUIRE(prepared.mended.size() == 3);
  CHECK(contains(prepared.mended[0].path, "invalid_utf8.txt"));
  CHECK(prepared.mended[0].count == 3);
  CHECK(contains(prepared.mended[1].path, "latin1_crlf_345.txt"));
  CHECK(contains(prepared.mended[2].path, "truncated_utf8.txt"));
  settings.max_bad_fraction = 0.01;
  CHECK(contains(test::message_of<DataError>([&] { prepare_text(settings); }),
                 "4 of 16 files cannot be used, more than data.max_bad_fraction 0.01"));
}

TEST_CASE("a link to a text that is gone is named") {
  D2V_NEED_TEST_DATA("datasets/text/gpt2_bpe");
  const test::TemporaryFolder folder;
  test::write(folder.path() / "in/a.txt", "text");
  fs::create_symlink(folder.path() / "gone", folder.path() / "in/link.TXT");
  const PreparedText prepared = prepare_text({.inputs = {folder.path() / "in"},
                                              .output = folder.path() / "t.d2vtok",
                                              .vocabulary = (text_data() / "gpt2_bpe").string(),
                                              .max_bad_fraction = 0.5});
  CHECK(prepared.files == 1);
  REQUIRE(prepared.left_out.size() == 1);
  CHECK(contains(prepared.left_out[0].reason, "link.TXT: No such file"));
}

TEST_CASE("a vocabulary is trained where none is given, the same one again, and the text comes back") {
  D2V_NEED_TEST_DATA("datasets/text/tinyshakespeare.txt");
  const test::TemporaryFolder folder;
  const std::string text = read_file(text_data() / "tinyshakespeare.txt", 1 << 22).substr(0, 50000);
  test::write(folder.path() / "in.txt", text);
  PrepareText settings{.inputs = {folder.path() / "in.txt"},
                       .output = folder.path() / "a.d2vtok",
                       .train_vocabulary = 300,
                       .documents = TextDocuments::lines};
  const PreparedText prepared = prepare_text(settings);
  CHECK(prepared.vocabulary == folder.path() / "a.model");
  const auto tokenizer = open_tokenizer(prepared.vocabulary);
  CHECK(tokenizer->vocabulary().size == 300);
  const PreparedTexts documents = documents_of(settings.output, prepared.vocabulary);
  CHECK(documents[0] == "First Citizen:");
  CHECK(documents[1] == "Before we proceed any further, hear me speak.");
  settings.output = folder.path() / "b.d2vtok";
  CHECK(open_tokenizer(prepare_text(settings).vocabulary)->vocabulary() == tokenizer->vocabulary());
}

TEST_CASE("a vocabulary is trained on all of a line, however long it is") {
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 200; ++i) text += fmt::format("some short line, number {}\n", i);
  while (text.size() < 300000) text += "λόγος πόλις όρος "s + (text.size() % 3 ? "νερό " : "φως ");
  text += '\n' + std::string(150001, 'x') + "ω\n";  // no space to cut at
  test::write(folder.path() / "in.txt", text);
  const PreparedText prepared = prepare_text(
      {.inputs = {folder.path() / "in.txt"}, .output = folder.path() / "t.d2vtok", .train_vocabulary = 60});
  const auto tokenizer = open_tokenizer(prepared.vocabulary);
  std::vector<uint32_t> ids;
  tokenizer->encode("λόγος νερό short", ids);
  CHECK(std::count(ids.begin(), ids.end(), tokenizer->vocabulary().unk) == 0);
  CHECK(tokenizer->decode(ids) == "λόγος νερό short");
}

TEST_CASE("it is said when a vocabulary is trained on a part of the lines only") {
  const test::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 200; ++i) text += fmt::format("line number {} of some text\n", i);
  test::write(folder.path() / "in.txt", text);
  PrepareText settings{
      .inputs = {folder.path() / "in.txt"}, .output = folder.path() / "t.d2vtok", .train_vocabulary = 30};
  CHECK(prepare_text(settings).all_lines);
  settings.vocabulary_lines = 200;
  CHECK(prepare_text(settings).all_lines);
  settings.vocabulary_lines = 199;
  CHECK_FALSE(prepare_text(settings).all_lines);
}

TEST_CASE("a SentencePiece model of others is read; long lines are cut at spaces") {
  D2V_NEED_TEST_DATA("datasets/text/sentencepiece/test_model.model");
  const auto tokenizer = open_tokenizer(text_data() / "sentencepiece/test_model.model");
  std::vector<uint32_t> ids;
  tokenizer->encode("Hello world.\nAnother line", ids);
  CHECK(!ids.empty());
  for (const uint32_t id : ids) CHECK(id < tokenizer->vocabulary().mask);
  std::string line;
  for (int i = 0; i < 60000; ++i) line += "word ";
  ids.clear();
  tokenizer->encode(line, ids);
  CHECK(ids.size() >= 60000);
}

TEST_CASE("settings and vocabularies that do not fit are refused") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a.txt", "text");
  PrepareText settings{.inputs = {folder.path()}, .output = folder.path() / "t.d2vtok"};
  CHECK(contains(test::message_of<UsageError>([&] { prepare_text(settings); }), "--train-vocab"));
  settings.vocabulary = (folder.path() / "gone").string();
  CHECK(contains(test::message_of<DataError>([&] { prepare_text(settings); }), "no such vocabulary"));
  settings.vocabulary = (folder.path() / "a.txt").string();
  CHECK(contains(test::message_of<DataError>([&] { prepare_text(settings); }), "not a SentencePiece model"));
  settings.vocabulary = "";
  settings.train_vocabulary = 8000;
  CHECK(contains(test::message_of<DataError>([&] { prepare_text(settings); }),
                 "no vocabulary of 8000 tokens can be trained on this text"));
  settings.inputs = {folder.path() / "none"};
  CHECK(contains(test::message_of<DataError>([&] { prepare_text(settings); }), "no such file"));
  CHECK(!fs::exists(settings.output));
}
