// Token files: what was written comes back; fairseq's format; foreign, cut and broken files.
#include "d2v/pipeline/token_file.h"

#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

using TokenDocuments = std::vector<std::vector<uint32_t>>;

Vocabulary vocabulary_of(uint32_t size) { return {.hash = 77, .size = size, .mask = size - 1}; }

void write_tokens(const fs::path& path, const TokenDocuments& documents, uint32_t size) {
  TokenWriter writer(path, vocabulary_of(size));
  for (const auto& document : documents) writer.add(document);
  writer.commit();
}

std::vector<int64_t> read_tokens(const TokenFile& file) {
  std::vector<int64_t> tokens(static_cast<size_t>(file.tokens()));
  file.read(0, tokens);
  return tokens;
}

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// As fairseq writes them: 16-bit tokens (type 8) of three sentences.
std::string fairseq_index(const std::vector<int32_t>& sizes, uint8_t type = 8) {
  std::string bytes("MMIDIDX\0\0", 9);
  put(bytes, uint64_t{1});
  put(bytes, type);
  put(bytes, static_cast<uint64_t>(sizes.size()));
  for (const int32_t size : sizes) put(bytes, size);
  int64_t at = 0;
  for (const int32_t size : sizes) {
    put(bytes, at);
    at += size * 2;
  }
  return bytes;
}

std::string token_error(const fs::path& path) {
  return test::message_of<DataError>([&] { TokenFile file(path); });
}

}  // namespace

TEST_CASE("documents come back with </s> behind each, for small and large vocabularies") {
  const test::TemporaryFolder folder;
  for (const uint32_t size : {300u, 65536u, 65537u, 1000000u}) {
    Philox random({.seed = size});
    TokenDocuments documents;
    std::vector<int64_t> expected, starts{0};
    for (int d = 0; d < 20; ++d) {
      documents.emplace_back();
      for (uint32_t k = random.below(50); k > 0; --k) documents.back().push_back(random.below(size));
      expected.insert(expected.end(), documents.back().begin(), documents.back().end());
      expected.push_back(2);
      starts.push_back(static_cast<int64_t>(expected.size()));
    }
    const fs::path path = folder.path() / "t.d2vtok";
    write_tokens(path, documents, size);
    const TokenFile file(path);
    CHECK(file.vocabulary() == vocabulary_of(size));
    CHECK(file.documents() == 20);
    CHECK(read_tokens(file) == expected);
    for (int64_t d = 0; d <= 20; ++d) CHECK(file.start(d) == starts[d]);
    std::vector<int64_t> some(7);
    file.read(11, some);
    CHECK(std::equal(some.begin(), some.end(), expected.begin() + 11));
    CHECK_THROWS_AS(file.read(file.tokens() - 3, some), Error);
  }
}

TEST_CASE("fairseq's .bin and .idx, by either name or none") {
  const test::TemporaryFolder folder;
  std::string data;
  for (const uint16_t token : {5, 6, 2, 7, 2, 8, 9, 10, 2}) put(data, token);
  test::write(folder.path() / "train.bin", data);
  test::write(folder.path() / "train.idx", fairseq_index({3, 2, 4}));
  for (const char* name : {"train.bin", "train.idx", "train"}) {
    const TokenFile file(folder.path() / name);
    CHECK(file.documents() == 3);
    CHECK(file.start(2) == 5);
    CHECK(file.vocabulary().size == 0);
    CHECK(read_tokens(file) == std::vector<int64_t>{5, 6, 2, 7, 2, 8, 9, 10, 2});
  }
  test::write(folder.path() / "train.idx", fairseq_index({3, 2, 40}));
  CHECK(contains(token_error(folder.path() / "train.bin"), "was cut: 45 tokens"));
  test::write(folder.path() / "train.idx", fairseq_index({3, 2, 4}).substr(0, 40));
  CHECK(contains(token_error(folder.path() / "train.bin"), "train.idx: broken index"));
  test::write(folder.path() / "train.idx", fairseq_index({3, 2, 4}, 6));
  CHECK(contains(token_error(folder.path() / "train.bin"), "found version 1, type 6"));
  test::write(folder.path() / "train.idx", "TNTIDX");
  CHECK(contains(token_error(folder.path() / "train.bin"), "not an index of fairseq's mmap format"));
}

TEST_CASE("foreign, cut and damaged files are refused by name, never read beyond their end") {
  const test::TemporaryFolder folder;
  const fs::path path = folder.path() / "t.d2vtok";
  CHECK(contains(token_error(path), "t.d2vtok"));
  test::write(path, "");
  CHECK(contains(token_error(path), "t.d2vtok"));
  test::write(path, "some text that is no token file at all");
  CHECK(contains(token_error(path), "not a token file"));
  write_tokens(path, {{5, 6, 7}, {8}, {}, {9, 10}}, 300);
  std::string whole(fs::file_size(path), '\0');
  FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(std::fread(whole.data(), 1, whole.size(), file) == whole.size());
  std::fclose(file);
  for (size_t size = 8; size < whole.size(); ++size) {
    test::write(path, whole.substr(0, size));
    CHECK(contains(token_error(path), "was cut"));
  }
  // Any byte outside of the tokens changed: an error, or a file that can still be read to its end.
  Philox random({.seed = 4});
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string damaged = whole;
    damaged[random.below(static_cast<uint32_t>(whole.size()))] = static_cast<char>(random.below(256));
    test::write(path, damaged);
    try {
      const TokenFile tokens(path);
      read_tokens(tokens);
      for (int64_t d = 0; d <= tokens.documents(); ++d) CHECK(tokens.start(d) <= tokens.tokens());
    } catch (const DataError&) {
      ++refused;
    }
  }
  CHECK(refused > 60);
}

TEST_CASE("an id outside of the vocabulary is not written") {
  const test::TemporaryFolder folder;
  TokenWriter writer(folder.path() / "t", vocabulary_of(300));
  CHECK_THROWS_AS(writer.add(std::vector<uint32_t>{300}), Error);
  CHECK(!fs::exists(folder.path() / "t"));
}
