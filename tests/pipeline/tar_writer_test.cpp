// What is written is read back with the same names and bytes.
#include "d2v/pipeline/tar_writer.h"

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/tar.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("entries of any length come back, with names of up to a thousand bytes") {
  const test::TemporaryFolder folder;
  const fs::path file = folder.path() / "t.tar";
  // 100 bytes fill the name's field; from 101 on a pax record has it. Its own digits count: 92 to 98 bytes are where they grow.
  std::vector<std::string> names{"a.jpg", std::string(99, 'n'), std::string(100, 'n'), std::string(101, 'n'),
                                 "ü/" + std::string(1000, 'm') + ".png"};
  for (size_t length = 980; length < 995; ++length) names.push_back(std::string(length, 'k'));
  TarWriter tar(file);
  for (size_t i = 0; i < names.size(); ++i)
    tar.add(names[i], bytes_of(std::string(i * 171, static_cast<char>('a' + i))));
  tar.commit();
  CHECK(fs::file_size(file) == tar.bytes());
  CHECK(fs::file_size(file) % 512 == 0);

  const OpenBytes open{ByteSource(file)};
  const TarListing listing = list_tar(open);
  CHECK(listing.bad.empty());
  CHECK(listing.others == 0);
  REQUIRE(listing.entries.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    CAPTURE(i);
    CHECK(listing.entries[i].name == names[i]);
    REQUIRE(listing.entries[i].bytes == i * 171);
    std::vector<uint8_t> read(listing.entries[i].bytes);
    open.read_at(listing.entries[i].first, read);
    CHECK(read == bytes_of(std::string(i * 171, static_cast<char>('a' + i))));
  }
}

TEST_CASE("equal entries make equal tars; without commit there is none") {
  const test::TemporaryFolder folder;
  std::vector<std::vector<uint8_t>> tars(2);
  for (const char* name : {"1.tar", "2.tar"}) {
    TarWriter tar(folder.path() / name);
    tar.add("a/b.txt", bytes_of("hello"));
    tar.commit();
    read_file(folder.path() / name, tars[name[0] == '1' ? 0 : 1]);
  }
  CHECK(tars[0] == tars[1]);
  {
    TarWriter tar(folder.path() / "3.tar");
    tar.add("a", bytes_of("b"));
  }
  CHECK(!fs::exists(folder.path() / "3.tar"));
}

TEST_CASE("names that no tar can hold are refused") {
  const test::TemporaryFolder folder;
  TarWriter tar(folder.path() / "t.tar");
  CHECK_THROWS_AS(tar.add("", {}), Error);
  CHECK_THROWS_AS(tar.add(std::string("a\0b", 3), {}), Error);
}
