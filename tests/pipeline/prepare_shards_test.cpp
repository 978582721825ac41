// Reduced pictures as tar shards: what the reader of shards finds in them, and when they are made again.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/prepare_images.h"
#include "d2v/pipeline/resize.h"
#include "d2v/pipeline/shard_source.h"
#include "support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

PrepareImages shards_of(const fs::path& root, int64_t shard_samples) {
  PrepareImages settings;
  settings.input = root / "in";
  settings.output = root / "out";
  settings.side = 16;
  settings.shard_samples = shard_samples;
  settings.data.threads = 1;
  settings.data.max_bad_fraction = 0.2;
  return settings;
}

FolderSource read_back(const fs::path& folder) {
  return scan_shards(folder, {}, pictures_kind(), {.cache = {}, .threads = 1});
}

// "key" without the shard, and the row.
std::map<std::string, uint32_t> keys_of(const FolderSource& source) {
  std::map<std::string, uint32_t> keys;
  for (uint32_t row = 0; row < source.size(); ++row) {
    const std::string name = source.name(row);
    keys[name.substr(name.find(".tar/") + 5)] = row;
  }
  return keys;
}

Image picture_of(const FolderSource& source, uint32_t row) {
  std::vector<uint8_t> bytes;
  source.read(row, bytes);
  return decode_image(bytes, 1 << 20);
}

std::map<std::string, std::vector<uint8_t>> shards_in(const fs::path& folder) {
  std::map<std::string, std::vector<uint8_t>> shards;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".tar")
      read_file(entry.path(), shards[entry.path().lexically_relative(folder).string()]);
  return shards;
}

void touch(const fs::path& file) {
  fs::last_write_time(file, fs::last_write_time(file) + std::chrono::seconds(5));
}

}  // namespace

TEST_CASE("shards hold the reduced pictures with their classes, so many in each") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 5);  // 20 pixels high and more
  const PreparedImages done = prepare_images(shards_of(folder.path(), 4));
  CHECK(done.written == 10);
  CHECK(shards_in(folder.path() / "out").size() == 3);

  const FolderSource source = read_back(folder.path() / "out");
  CHECK(source.classes == std::vector<std::string>{"a", "b"});
  const auto keys = keys_of(source);
  REQUIRE(keys.size() == 10);
  const uint32_t row = keys.at("b/3");
  CHECK(source.classes[static_cast<size_t>(source.label(row))] == "b");
  const Image original = read_image(folder.path() / "in/b/3.ppm", 1 << 20);
  CHECK(picture_of(source, row) == resize_bicubic(original, 16, std::lround(25 * 16.0 / 23)));
  std::vector<uint8_t> classes;
  read_file(folder.path() / "out/classes.txt", classes);
  CHECK(std::string(classes.begin(), classes.end()) == "a\nb\n");
}

TEST_CASE("the same bytes with 1 and 4 threads") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 3, 9);
  PrepareImages settings = shards_of(folder.path(), 10);
  settings.jpeg_quality = 90;
  prepare_images(settings);
  settings.output = folder.path() / "other";
  settings.data.threads = 4;
  prepare_images(settings);
  const auto one = shards_in(folder.path() / "out"), four = shards_in(folder.path() / "other");
  CHECK(one.size() == 3);
  CHECK(one == four);
}

TEST_CASE("a second call keeps what is there, makes up for a lost shard and sweeps up after a killed one") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 6);
  const PrepareImages settings = shards_of(folder.path(), 4);
  prepare_images(settings);
  const auto before = shards_in(settings.output);
  fs::remove(settings.output / "shard-000001.tar");
  fs::resize_file(settings.output / "shard-000002.tar", 512);
  test::write(settings.output / ".shard-000001.tar.d2v-tmp-12345", "half a shard");
  const PreparedImages second = prepare_images(settings);
  CHECK(second.written == 8);
  CHECK(second.kept == 4);
  CHECK(shards_in(settings.output) == before);
  CHECK(!fs::exists(settings.output / ".shard-000001.tar.d2v-tmp-12345"));
}

TEST_CASE("a shard of changed pictures is made again, the others are not") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 6);
  const PrepareImages settings = shards_of(folder.path(), 4);
  prepare_images(settings);
  const Image changed = test::formula_image(16, 16, 77);
  test::write(folder.path() / "in/a/2.ppm", test::pnm_bytes(changed));
  touch(folder.path() / "in/a/2.ppm");
  const PreparedImages second = prepare_images(settings);
  CHECK(second.written == 4);
  CHECK(second.kept == 8);
  const FolderSource source = read_back(settings.output);
  CHECK(picture_of(source, keys_of(source).at("a/2")) == changed);
}

TEST_CASE("shards beyond the last are removed when pictures are gone") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 6);
  const PrepareImages settings = shards_of(folder.path(), 4);
  prepare_images(settings);
  fs::remove_all(folder.path() / "in/b");
  prepare_images(settings);
  CHECK(shards_in(settings.output).size() == 2);
  CHECK(read_back(settings.output).size() == 6);
}

TEST_CASE("loose copies of changed pictures are made again") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 1, 6);
  const PrepareImages settings = shards_of(folder.path(), 0);
  prepare_images(settings);
  const Image changed = test::formula_image(16, 16, 77);
  test::write(folder.path() / "in/a/2.ppm", test::pnm_bytes(changed));
  touch(folder.path() / "in/a/2.ppm");
  const PreparedImages second = prepare_images(settings);
  CHECK(second.written == 1);
  CHECK(read_image(settings.output / "a/2.ppm.png", 1 << 20) == changed);
}

TEST_CASE("long names, names with dots and equal ones without their endings keep samples apart") {
  const test::TemporaryFolder folder;
  const fs::path in = folder.path() / "in";
  const std::string deep = std::string(90, 'd') + "/" + std::string(90, 'e');
  std::vector<Image> pictures;
  for (int i = 0; i < 5; ++i) pictures.push_back(test::formula_image(8, 8, i));
  test::write(in / deep / "x.ppm", test::pnm_bytes(pictures[0]));
  test::write(in / "v1.0/left.1.ppm", test::pnm_bytes(pictures[1]));
  test::write(in / "v1.0/left_1.ppm", test::pnm_bytes(pictures[2]));
  test::write(in / "v1.0/same.pnm", test::pnm_bytes(pictures[3]));
  test::write(in / "v1.0/same.ppm", test::pnm_bytes(pictures[4]));
  CHECK(prepare_images(shards_of(folder.path(), 10)).written == 5);
  const FolderSource source = read_back(folder.path() / "out");
  const auto keys = keys_of(source);
  REQUIRE(keys.size() == 5);
  CHECK(picture_of(source, keys.at(deep + "/x")) == pictures[0]);
  for (const char* key : {"v1.0/left_1", "v1.0/left_1-2", "v1.0/same", "v1.0/same-2"})
    CHECK(keys.contains(key));
  CHECK(source.classes == std::vector<std::string>{std::string(90, 'd'), "v1.0"});
}

TEST_CASE("folders of splits stay splits") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in/train", 2, 4);
  test::write_classes(folder.path() / "in/val", 2, 1);
  prepare_images(shards_of(folder.path(), 5));
  const FolderSource source = read_back(folder.path() / "out");
  CHECK(source.split_folders);
  CHECK(source.classes == std::vector<std::string>{"a", "b"});
  CHECK(std::count_if(source.samples.begin(), source.samples.end(),
                      [](const FolderSample& one) { return one.split == Split::valid; }) == 2);
}

TEST_CASE("broken pictures are named in every call, though their shard is kept") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 1, 9);
  test::write(folder.path() / "in/a/broken.png", "no picture");
  PrepareImages settings = shards_of(folder.path(), 4);
  for (const int64_t written : {9, 0}) {
    const PreparedImages done = prepare_images(settings);
    CHECK(done.written == written);
    CHECK(done.written + done.kept == 9);
    REQUIRE(done.left_out.size() == 1);
    CHECK(done.left_out[0].path == "a/broken.png");
  }
  settings.data.max_bad_fraction = 0;
  CHECK_THROWS_AS(prepare_images(settings), DataError);
}

TEST_CASE("JPEGs: near the picture at quality 95; a small one is taken over byte by byte") {
  const test::TemporaryFolder folder;
  Image smooth;
  smooth.resize(40, 60);
  for (int64_t y = 0; y < 40; ++y)
    for (int64_t x = 0; x < 60 * 3; ++x) smooth.row(y)[x] = static_cast<uint8_t>(y * 3 + x / 3);
  const std::string small = test::jpeg_bytes(test::formula_image(12, 12));
  test::write(folder.path() / "in/large.ppm", test::pnm_bytes(smooth));
  test::write(folder.path() / "in/small.jpg", small);
  PrepareImages settings = shards_of(folder.path(), 4);
  settings.jpeg_quality = 95;
  prepare_images(settings);
  const FolderSource source = read_back(settings.output);
  const auto keys = keys_of(source);
  std::vector<uint8_t> bytes;
  source.read(keys.at("small"), bytes);
  CHECK(std::string(bytes.begin(), bytes.end()) == small);
  const Image wanted = resize_bicubic(smooth, 16, 24), found = picture_of(source, keys.at("large"));
  REQUIRE(found.pixels.size() == wanted.pixels.size());
  int worst = 0;
  for (size_t i = 0; i < found.pixels.size(); ++i)
    worst = std::max(worst, std::abs(found.pixels[i] - wanted.pixels[i]));
  CHECK(worst <= 6);
  settings.jpeg_quality = 101;
  CHECK_THROWS_AS(prepare_images(settings), UsageError);
}

TEST_CASE("shards can be made of shards, and of a folder that cannot be there nothing is made") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "in", 2, 3);
  prepare_images(shards_of(folder.path(), 4));
  PrepareImages again = shards_of(folder.path(), 3);
  again.input = folder.path() / "out";
  again.output = folder.path() / "out2";
  again.side = 8;
  CHECK(prepare_images(again).written == 6);
  const FolderSource source = read_back(again.output);
  CHECK(source.classes == std::vector<std::string>{"a", "b"});
  CHECK(picture_of(source, 0).height == 8);
  again.input = folder.path() / "absent";
  again.output = folder.path() / "out3";
  CHECK_THROWS_AS(prepare_images(again), DataError);
  CHECK(!fs::exists(again.output));
}

TEST_CASE("shards made of shards without classes have none either, with folders of splits too") {
  for (const char* split : {"", "train/"}) {
    CAPTURE(split);
    const test::TemporaryFolder folder;
    for (int shard = 0; shard < 2; ++shard) {
      std::string tar;
      for (int i = 0; i < 3; ++i)
        tar += test::tar_entry(fmt::format("{:02}.ppm", i),
                               test::pnm_bytes(test::formula_image(9, 9, 10 * shard + i)));
      test::write(folder.path() / "in" / fmt::format("{}s{}.tar", split, shard), tar + test::tar_end());
    }
    REQUIRE(read_back(folder.path() / "in").classes.empty());
    CHECK(prepare_images(shards_of(folder.path(), 4)).written == 6);
    const FolderSource source = read_back(folder.path() / "out");
    CHECK(source.size() == 6);
    CHECK(source.classes.empty());
    CHECK(source.label(0) == -1);
    CHECK_FALSE(fs::exists(folder.path() / "out/classes.txt"));
  }
}
