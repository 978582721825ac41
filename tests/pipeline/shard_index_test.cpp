// The index of a shard: what it keeps, when it is made again, and unpacked copies.
#include "d2v/pipeline/shard_index.h"

#include <fstream>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;
namespace fs = std::filesystem;

namespace {

std::string three_entries() {
  return tar_entry("a/1.jpg", "picture") + tar_entry("a/1.cls", " 7\n") +
         tar_entry("a/1.json", R"({"label": "cat", "width": 3})") + tar_end();
}

std::vector<std::string> labels(const ShardIndex& index) {
  std::vector<std::string> texts;
  for (const ShardLabel& label : index.labels) texts.push_back(label.text);
  return texts;
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a key goes up to the first dot of the base name") {
  const auto key = [](const char* name) {
    const SampleKey k = sample_key(name);
    return std::pair(k.key, k.extension);
  };
  CHECK(key("0001.jpg") == std::pair<std::string, std::string>("0001", "jpg"));
  CHECK(key("a.b/c/12.left.PNG") == std::pair<std::string, std::string>("a.b/c/12", "left.png"));
  CHECK(key("a.b/none") == std::pair<std::string, std::string>("a.b/none", ""));
  CHECK(key("x.") == std::pair<std::string, std::string>("x", ""));
}

TEST_CASE("labels: integers and texts of .cls, the fields label and cls of .json") {
  CHECK(parse_cls("7") == "7");
  CHECK(parse_cls(" golden retriever \r\n") == "golden retriever");
  CHECK(parse_json_label(R"({"cls": 3, "x": [1]})") == "3");
  CHECK(parse_json_label(R"({"cls": 3, "label": "dog"})") == "dog");
  CHECK(!parse_json_label(R"({"width": 3})").has_value());
  for (const char* bad : {"", " \n", "two\nlines"}) CHECK_THROWS_AS(parse_cls(bad), DataError);
  CHECK_THROWS_AS(parse_cls(std::string(300, 'x')), DataError);
  for (const char* bad : {"", "{", "[1]", R"({"label": 1.5})", R"({"label": {"a": 1}})", R"({"label": ""})"})
    CHECK_THROWS_AS(parse_json_label(bad), DataError);
  CHECK_THROWS_AS(parse_json_label(std::string(100000, '[')), DataError);
}

TEST_CASE("an index comes back from its bytes; no cut and no changed number leads out of the tar") {
  ShardIndex index{.bytes = 5000, .changed = -3, .tar_bytes = 5000, .listing = {}, .labels = {{1, "cat"}}};
  index.listing.entries = {{"a.jpg", 512, 700}, {"a.cls", 1536, 3}};
  index.listing.others = 2;
  index.listing.lost = 40;
  index.listing.bad = {{"x", "reason", 1, true}, {"y", "other", 1, false}};
  const std::string bytes = encode_shard_index(index);
  const auto same = decode_shard_index(bytes);
  REQUIRE(same);
  CHECK(encode_shard_index(*same) == bytes);
  CHECK(same->changed == -3);
  CHECK(same->listing.bad[1].broken == false);
  for (size_t size = 0; size < bytes.size(); ++size) CHECK(!decode_shard_index(bytes.substr(0, size)));
  CHECK(!decode_shard_index(bytes + "x"));
  Philox random({.seed = 8});
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = bytes;
    const uint32_t at = random.below(static_cast<uint32_t>(bytes.size()));
    damaged[at] = static_cast<char>(random.below(2) == 0 ? 0xff : random.below(256));
    const auto found = decode_shard_index(damaged);
    refused += !found;
    if (!found) continue;
    for (const TarEntry& entry : found->listing.entries) {
      CHECK(entry.first <= found->tar_bytes);
      CHECK(entry.bytes <= found->tar_bytes - entry.first);
    }
    for (const ShardLabel& label : found->labels) CHECK(label.entry < found->listing.entries.size());
  }
  CHECK(refused > 1000);
}

TEST_CASE("the index is used until the shard's size or time changes; a damaged one is made again") {
  const TemporaryFolder folder;
  const fs::path shard = folder.path() / "s.tar", cache = folder.path() / "cache";
  write(shard, three_entries());
  CHECK(labels(open_shard(shard, cache).index) == std::vector<std::string>{"7", "cat"});
  REQUIRE(std::distance(fs::directory_iterator(cache), {}) == 1);
  const fs::path kept = fs::directory_iterator(cache)->path();
  CHECK(kept.extension() == ".idx");
  // Same size and time: the shard itself is not read.
  const auto changed = fs::last_write_time(shard);
  write(shard, std::string(fs::file_size(shard), 'x'));
  fs::last_write_time(shard, changed);
  CHECK(open_shard(shard, cache).index.listing.entries.size() == 3);
  // Another time: it is, and is no tar any more.
  fs::last_write_time(shard, changed + std::chrono::seconds(2));
  CHECK(contains(message_of<DataError>([&] { open_shard(shard, cache); }), "not a tar file"));
  write(shard, three_entries() + tar_end());
  fs::last_write_time(shard, changed);
  CHECK(open_shard(shard, cache).index.bytes == fs::file_size(shard));
  std::string bytes = read(kept);
  bytes[40] ^= 1;
  write(kept, bytes);
  CHECK(open_shard(shard, cache).index.listing.entries.size() == 3);
  CHECK(read(kept) != bytes);
}

TEST_CASE("a label that cannot be read is named and leaves the sample without one") {
  const TemporaryFolder folder;
  write(folder.path() / "s.tar", tar_entry("1.jpg", "x") + tar_entry("1.cls", "") + tar_entry("2.json", "{") +
                                     tar_entry("3.cls", std::string(5000, '1')) + tar_entry("4.cls", "4"));
  const ShardIndex index = open_shard(folder.path() / "s.tar", {}).index;
  CHECK(labels(index) == std::vector<std::string>{"4"});
  REQUIRE(index.listing.bad.size() == 3);
  CHECK(contains(index.listing.bad[0].reason, "s.tar: 1.cls: no label: no label in it"));
  CHECK(contains(index.listing.bad[2].reason, "5000 bytes, expected at most 4096"));
  CHECK(!index.listing.bad[0].broken);
}

TEST_CASE("compressed shards are unpacked into the cache once; several members are one tar") {
  const TemporaryFolder folder;
  const fs::path shard = folder.path() / "s.tar.gz", cache = folder.path() / "cache";
  const std::string tar = three_entries();
  write(shard, gzip_bytes(tar.substr(0, 700)) + gzip_bytes(tar.substr(700)) + std::string(100, '\0'));
  const OpenShard open = open_shard(shard, cache);
  CHECK(read(open.tar) == tar);
  CHECK(open.index.tar_bytes == tar.size());
  CHECK(open.index.bytes == fs::file_size(shard));
  const auto made = fs::last_write_time(open.tar);
  CHECK(labels(open_shard(shard, cache).index) == std::vector<std::string>{"7", "cat"});
  CHECK(fs::last_write_time(open.tar) == made);
  fs::remove(open.tar);
  CHECK(read(open_shard(shard, cache).tar) == tar);
  CHECK(contains(message_of<DataError>([&] { open_shard(shard, {}); }), "need a cache"));
}

TEST_CASE("broken and cut gzip files are refused by name and leave nothing behind") {
  const TemporaryFolder folder;
  const fs::path shard = folder.path() / "s.tgz", cache = folder.path() / "cache";
  std::string tar = three_entries();
  Philox random({.seed = 2});
  for (int i = 0; i < 300000; ++i) tar.push_back(static_cast<char>(random.below(256)));
  const std::string whole = gzip_bytes(tar);
  const auto error = [&](const std::string& bytes) {
    write(shard, bytes);
    return message_of<DataError>([&] { open_shard(shard, cache); });
  };
  CHECK(contains(error(whole.substr(0, whole.size() - 9)), "s.tgz: the gzip file was cut"));
  CHECK(contains(error(whole.substr(0, 200)), "was cut"));
  std::string damaged = whole;
  damaged[damaged.size() / 2] ^= 0x55;
  CHECK(contains(error(damaged), "s.tgz: broken gzip data near byte"));
  CHECK(contains(error("no gzip at all"), "broken gzip data"));
  CHECK(contains(error(gzip_bytes("no tar in it")), "s.tgz: not a tar file"));
  CHECK(fs::is_empty(cache));
}
