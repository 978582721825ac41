// The table of contents of tar files: names and places, and what is wrong with a file.
#include "d2v/pipeline/tar.h"

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;

namespace {

OpenBytes in_memory(const std::string& tar) {
  return OpenBytes(ByteSource({reinterpret_cast<const uint8_t*>(tar.data()), tar.size()}, "t.tar"));
}

TarListing list(const std::string& tar) { return list_tar(in_memory(tar)); }

std::vector<std::string> names(const TarListing& listing) {
  std::vector<std::string> names;
  for (const TarEntry& entry : listing.entries) names.push_back(entry.name);
  return names;
}

std::string refused(const std::string& tar) {
  return message_of<DataError>([&] { list(tar); });
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("files come with their names and places; folders, links and hidden files are others") {
  const std::string tar = tar_entry("a/", "", '5') + tar_entry("./a/1.jpg", "one") +
                          tar_entry("a/2.jpg", std::string(512, 'x')) + tar_entry("a/3.jpg", "") +
                          tar_entry("link", "", '2') + tar_entry("a/._1.jpg", "mac") +
                          tar_entry("old.jpg", "v7", '\0') + tar_end();
  const TarListing listing = list(tar);
  CHECK(names(listing) == Names{"a/1.jpg", "a/2.jpg", "a/3.jpg", "old.jpg"});
  CHECK(listing.others == 3);
  CHECK(listing.bad.empty());
  for (const TarEntry& entry : listing.entries) CHECK(entry.first + entry.bytes <= tar.size());
  CHECK(tar.substr(listing.entries[0].first, listing.entries[0].bytes) == "one");
  CHECK(tar.substr(listing.entries[3].first, listing.entries[3].bytes) == "v7");
}

TEST_CASE("long names: ustar's prefix, GNU's own header, pax; pax sizes too") {
  const std::string folder(140, 'd'), name(120, 'n');
  std::string prefixed = tar_header("1.jpg", 3);
  std::memcpy(prefixed.data() + 345, folder.data(), folder.size());
  seal(prefixed);
  std::string gnu = tar_header("cut", 3);
  std::memcpy(gnu.data() + 257, "ustar  ", 8);
  std::memcpy(gnu.data() + 345, "12345670123", 11);  // GNU keeps times there
  seal(gnu);
  const std::string pax = pax_record("mtime", "1.5") + pax_record("path", name + ".pax");
  const TarListing listing =
      list(prefixed + padded("abc") + tar_entry("././@LongLink", name + ".gnu" + '\0', 'L') + gnu +
           padded("def") + tar_entry("g", pax_record("comment", "x"), 'g') + tar_entry("x", pax, 'x') +
           tar_entry("cut", "ghi") + tar_entry("x", pax_record("size", "4"), 'x') + tar_header("sized", 0) +
           padded("four") + tar_entry("last", "l") + tar_end());
  CHECK(names(listing) == Names{folder + "/1.jpg", name + ".gnu", name + ".pax", "sized", "last"});
  CHECK(listing.entries[3].bytes == 4);
}

TEST_CASE("sizes in GNU's binary form") {
  std::string header = tar_header("big", 0);
  std::memset(header.data() + 124, 0, 12);
  header[124] = static_cast<char>(0x80);
  header[135] = 5;
  seal(header);
  CHECK(list(header + padded("12345") + tar_entry("next", "n")).entries[0].bytes == 5);
  for (const char first : {'\x80', '\xff'}) {  // 2^63 and more; negative
    std::memset(header.data() + 124, first == '\xff' ? 0xff : 0x80, 12);
    header[124] = first;
    seal(header);
    CHECK(contains(refused(header + padded("12345")), "a size that is no number"));
  }
}

TEST_CASE("no end mark, no padding behind the last entry: as many programs write it") {
  CHECK(names(list(tar_entry("a", "1") + tar_entry("b", "2"))) == Names{"a", "b"});
  CHECK(names(list(tar_entry("a", "1") + tar_header("b", 1) + "2")) == Names{"a", "b"});
  // What follows the end mark is not read.
  CHECK(names(list(tar_entry("a", "1") + tar_end() + tar_entry("b", "2"))) == Names{"a"});
}

TEST_CASE("a cut tar is used up to the entry that was cut, wherever that is") {
  const std::string whole = tar_entry("a.jpg", std::string(700, 'a')) +
                            tar_entry("b.jpg", std::string(300, 'b')) +
                            tar_entry("c.jpg", std::string(900, 'c'));
  for (size_t size = 512 + 700; size < whole.size() - 124; size += 7) {  // 124: padding of the last one
    const TarListing listing = list(whole.substr(0, size));
    for (const TarEntry& entry : listing.entries) CHECK(entry.first + entry.bytes <= size);
    const size_t complete = size < 1536 + 512 + 300 ? 1 : 2;
    CHECK(listing.entries.size() == complete);
    if (size <= 1536 || (size >= 2048 + 300 && size <= 2560)) continue;  // cut between two
    REQUIRE(listing.bad.size() == 1);
    CHECK(listing.bad[0].broken);
    CHECK(contains(listing.bad[0].reason, "t.tar: damaged at byte"));
    CHECK(listing.lost == size - (complete == 1 ? 1536 : 2560));
  }
}

TEST_CASE("an absurd size, a wrong checksum: what came before is used, the rest is reported with its bytes") {
  const std::string good = tar_entry("a", "1"), behind = tar_entry("b", "2");
  const TarListing absurd = list(good + tar_header("huge", uint64_t{1} << 32) + behind);
  CHECK(names(absurd) == Names{"a"});
  CHECK(absurd.bad[0].path == "huge");
  CHECK(contains(absurd.bad[0].reason, "expected 4294967296 bytes, found 1024"));
  CHECK(absurd.lost == 1536);
  std::string header = tar_header("x", 0);
  header[10] ^= 1;
  const TarListing wrong = list(good + header + behind);
  CHECK(names(wrong) == Names{"a"});
  CHECK(contains(wrong.bad[0].reason, "damaged at byte 1024: the checksum of a header is wrong"));
  CHECK(contains(wrong.bad[0].reason, "the 1536 bytes from there on are not used"));
}

TEST_CASE("long names and pax headers that do not hold together are damage") {
  const auto reason = [&](const std::string& header) {
    const TarListing listing = list(tar_entry("a", "1") + header + tar_entry("b", "2"));
    CHECK(names(listing) == Names{"a"});
    return listing.bad.at(0).reason;
  };
  CHECK(contains(reason(tar_entry("x", "99 path=b\n", 'x')), "a record of a wrong length"));
  CHECK(contains(reason(tar_entry("x", "3 \n", 'x')), "a record of a wrong length"));
  CHECK(contains(reason(tar_entry("x", "99999999999999999999999 path=b\n", 'x')),
                 "a record of a wrong length"));
  CHECK(contains(reason(tar_entry("x", "8 nokey\n", 'x')), "without '='"));
  CHECK(contains(reason(tar_entry("x", pax_record("size", "-1"), 'x')), "with the size '-1'"));
  CHECK(contains(reason(tar_entry("x", pax_record("size", "99999999999999999999"), 'x')),
                 "with the size '9999"));
  CHECK(contains(reason(tar_header("x", 1 << 21, 'L')), "a name or pax header of 2097152 bytes"));
  CHECK(list(tar_entry("a", "1") + tar_entry("x", "name", 'L')).bad.size() == 1);
}

TEST_CASE("sparse files are named, the entries behind them are found") {
  std::string sparse = tar_header("s.jpg", 512, 'S');
  sparse[482] = 1;  // one more block of the map
  seal(sparse);
  const TarListing listing = list(sparse + std::string(512, '\0') + padded(std::string(512, 's')) +
                                  tar_entry("x", pax_record("GNU.sparse.major", "1"), 'x') +
                                  tar_entry("t.jpg", "sparse") + tar_entry("b", "2"));
  CHECK(names(listing) == Names{"b"});
  REQUIRE(listing.bad.size() == 2);
  CHECK(contains(listing.bad[0].reason, "a sparse file"));
}

TEST_CASE("what does not begin like a tar is refused") {
  CHECK(contains(refused(""), "t.tar: the file is empty"));
  CHECK(contains(refused("some text"), "not a tar file, or damaged at its beginning"));
  CHECK(contains(refused(std::string(2000, 'x')), "the checksum of a header is wrong"));
  CHECK(list(tar_end()).entries.empty());
}

TEST_CASE("any changed byte: entries stay within the file") {
  const std::string whole = tar_entry("a", "1") + tar_entry("x", pax_record("path", "long/name"), 'x') +
                            tar_entry("b", std::string(600, 'b')) +
                            tar_entry("n", std::string("other\0", 6), 'L') + tar_entry("c", "3") + tar_end();
  Philox random({.seed = 5});
  int damaged = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string tar = whole;
    const size_t header = 512 * random.below(8);
    for (int k = 0; k < 3; ++k) tar[header + random.below(160)] = static_cast<char>(random.below(256));
    if (random.below(2) == 0) {
      std::string block = tar.substr(header, 512);
      seal(block);
      tar.replace(header, 512, block);
    }
    try {
      const TarListing listing = list(tar);
      damaged += !listing.bad.empty();
      for (const TarEntry& entry : listing.entries) {
        CHECK(entry.first <= tar.size());
        CHECK(entry.bytes <= tar.size() - entry.first);
      }
      CHECK(listing.lost <= tar.size());
    } catch (const DataError&) {
      ++damaged;
    }
  }
  CHECK(damaged > 500);
}
