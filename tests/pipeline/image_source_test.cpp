// Image folders: classes, ids, links, duplicates, and folders that cannot be used.
#include "d2v/pipeline/image_source.h"

#include <set>
#include <unistd.h>

#include "d2v/base/check.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

namespace fs = std::filesystem;
using namespace d2v;
using test::contains;

namespace {

std::string scan_error(const fs::path& folder, const DataConfig& config = {}) {
  return test::message_of<DataError>([&] { scan_images(folder, config); });
}

DataConfig without_duplicates(int64_t min_class_files = 1) {
  DataConfig config;
  config.deduplicate = true;
  config.min_class_files = min_class_files;
  return config;
}

std::vector<std::string> paths_of(const ImageSource& source) {
  std::vector<std::string> paths;
  for (const ImageSample& sample : source.samples) paths.push_back(sample.path);
  return paths;
}

}  // namespace

TEST_CASE("pictures are found in all folders, sorted by path; the class is the first sub-folder") {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"dog/b.JPG", "dog/deep/er/a.png", "cat/z.jpeg", "cat/notes.txt", "cat/.hidden.png", "top.bmp"}) {
    test::write(folder.path() / name, name);
  }
  const ImageSource source = scan_images(folder.path(), {});
  CHECK(paths_of(source) ==
        std::vector<std::string>{"cat/z.jpeg", "dog/b.JPG", "dog/deep/er/a.png", "top.bmp"});
  CHECK(source.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(source.samples[0].label == 0);
  CHECK(source.samples[2].label == 1);
  CHECK(source.samples[3].label == -1);
  CHECK(source.report.other_files == 1);
  CHECK(contains(describe(source), "4 pictures"));
  CHECK(contains(describe(source), "1 other files"));
}

TEST_CASE("ids stay when files are added or the folder moves") {
  const test::TemporaryFolder first, second;
  test::write_classes(first.path(), 2, 3);
  test::write_classes(second.path(), 2, 3);
  test::write(second.path() / "a/00_new.ppm", "new");
  const ImageSource before = scan_images(first.path(), {}), after = scan_images(second.path(), {});
  std::set<uint64_t> ids;
  for (const ImageSample& sample : after.samples) ids.insert(sample.id);
  CHECK(ids.size() == 7);
  for (const ImageSample& sample : before.samples) CHECK(ids.contains(sample.id));
}

TEST_CASE("train, valid and test folders are splits, and the classes lie below") {
  const test::TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "val/a/2.png", "test/b/3.png"}) {
    test::write(folder.path() / name, name);
  }
  const ImageSource source = scan_images(folder.path(), {});
  CHECK(source.split_folders);
  CHECK(source.classes == std::vector<std::string>{"a", "b"});
  CHECK(source.samples[0].split == Split::test);
  CHECK(source.samples[1].split == Split::train);
  CHECK(source.samples[3].split == Split::valid);
  // One more folder, and they are classes like any other.
  test::write(folder.path() / "more/1.png", "x");
  CHECK(!scan_images(folder.path(), {}).split_folders);
}

TEST_CASE("deduplicate skips links and equal contents; without it links are followed") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/1.png", "same");
  test::write(folder.path() / "b/2.png", "same");
  test::write(folder.path() / "b/3.png", "else");
  fs::create_symlink("1.png", folder.path() / "a/link.png");
  fs::create_directory_symlink("../b", folder.path() / "a/folder");
  CHECK(scan_images(folder.path(), {}).size() == 6);
  const ImageSource unique = scan_images(folder.path(), without_duplicates());
  CHECK(paths_of(unique) == std::vector<std::string>{"a/1.png", "b/3.png"});
  CHECK(unique.report.links == 2);
  CHECK(unique.report.duplicates == 1);
}

TEST_CASE("links that go in circles end") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/1.png", "x");
  fs::create_directory_symlink("..", folder.path() / "a/up");
  CHECK(scan_images(folder.path(), {}).size() == 1);
}

TEST_CASE("min_class_files leaves small classes out, counted after deduplication") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path(), 2, 4);
  test::write(folder.path() / "small/1.png", "1");
  test::write(folder.path() / "twins/1.png", "2");
  test::write(folder.path() / "twins/2.png", "2");
  const ImageSource source = scan_images(folder.path(), without_duplicates(2));
  CHECK(source.classes == std::vector<std::string>{"a", "b"});
  CHECK(source.report.small_classes == 2);
  CHECK(contains(scan_error(folder.path(), without_duplicates(50)), "fewer than data.min_class_files 50"));
}

TEST_CASE("a folder that cannot be used is an error that says what to do") {
  const test::TemporaryFolder folder;
  CHECK(contains(scan_error(folder.path() / "gone"), "gone: no such folder; check data.path"));
  CHECK(contains(scan_error(folder.path()), "this folder is empty"));
  test::write(folder.path() / "notes.txt", "x");
  CHECK(contains(scan_error(folder.path()), "no picture among its 1 files"));
  CHECK(contains(scan_error(folder.path() / "notes.txt"), "is a file, expected a folder of pictures"));
  CHECK(contains(scan_error(folder.path() / "notes.txt"),
                 "give the folder it is in, " + folder.path().string()));
  CHECK(contains(test::message_of<UsageError>([] { scan_images("", {}); }), "data.path is not set"));
}

TEST_CASE("a folder that may not be read is an error, not an empty class") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/1.png", "x");
  test::write(folder.path() / "locked/1.png", "x");
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(folder.path() / "locked", fs::perms::none);
  // Root reads everything: be nobody for the scan.
  const bool root = geteuid() == 0;
  if (root) REQUIRE(seteuid(65534) == 0);
  const std::string error = scan_error(folder.path());
  if (root) REQUIRE(seteuid(0) == 0);
  fs::permissions(folder.path() / "locked", fs::perms::all);
  CHECK(contains(error, "locked: cannot read this folder (Permission denied)"));
}
