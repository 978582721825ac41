#include "d2v/base/file.h"

#include <functional>
#include <signal.h>
#include <string>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "d2v/base/check.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kLimit = 1 << 24;

int entries(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// Runs `body` in a child process and gives its exit status, -1 when a signal ended it.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a written file reads back, and replaces the one before it") {
  test::TemporaryFolder folder;
  const fs::path path = folder / "a.txt";
  write_file(path, "first");
  CHECK(read_file(path, kLimit) == "first");
  write_file(path, std::string("sec\0nd", 6));
  CHECK(read_file(path, kLimit) == std::string("sec\0nd", 6));
  write_file(path, "");
  CHECK(read_file(path, kLimit).empty());
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a file of several writes is there only after the commit") {
  test::TemporaryFolder folder;
  const fs::path path = folder / "a.txt";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    file.write("text");
    CHECK(read_file(path, kLimit) == "old");
    file.commit();
    CHECK(read_file(path, kLimit) == "new text");
    CHECK_THROWS_AS(file.commit(), Error);
    CHECK_THROWS_AS(file.write("more"), Error);
  }
  CHECK(read_file(path, kLimit) == "new text");
}

TEST_CASE("without a commit the old file stays and no temporary is left") {
  test::TemporaryFolder folder;
  const fs::path path = folder / "a.txt";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
    CHECK(entries(folder.path()) == 2);
  }
  CHECK(read_file(path, kLimit) == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("when writing fails half-way the old file stays, no temporary is left, and the error says why") {
  test::TemporaryFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, "old");
  // A limit on the size of files stands in for a full disk: write() fails after some bytes went through.
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    try {
      write_file(path, std::string(1000000, 'x'));
    } catch (const StorageError& error) {
      const std::string text = error.what();
      return text.find("a.bin") != std::string::npos && text.find("File too large") != std::string::npos ? 0
                                                                                                         : 3;
    }
    return 1;
  });
  CHECK(status == 0);
  CHECK(read_file(path, kLimit) == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a process killed while writing leaves the old file, and its temporary can be removed") {
  test::TemporaryFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, "old");
  write_file(folder / ".keep", "not a temporary");
  const int status = in_child([&] {
    AtomicFile file(path);
    file.write(std::string(100000, 'x'));
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  CHECK(status == -1);
  CHECK(read_file(path, kLimit) == "old");
  CHECK(entries(folder.path()) == 3);
  CHECK(remove_temporaries(folder.path()) == 1);
  CHECK(entries(folder.path()) == 2);
  CHECK(remove_temporaries("/nowhere") == 0);
}

TEST_CASE("errors name the path, the reason and what to do") {
  test::TemporaryFolder folder;
  fs::create_directory(folder / "sub");
  CHECK_THROWS_WITH_AS(
      write_file("/nowhere/a", "x"),
      "cannot create a file beside /nowhere/a: No such file or directory; its folder does not exist; "
      "create it first",
      StorageError);
  CHECK_THROWS_AS(write_file(folder / "sub", "x"), StorageError);
  CHECK_THROWS_AS(write_file(folder / "sub" / "", "x"), StorageError);
  CHECK_THROWS_AS(write_file("/proc/a", "x"), StorageError);
  CHECK_THROWS_AS(read_file(folder / "none", kLimit), DataError);
  CHECK_THROWS_AS(read_file(folder / "sub", kLimit), DataError);
  write_file(folder / "big", std::string(1000, 'x'));
  CHECK_THROWS_AS(read_file(folder / "big", 999), UsageError);
  CHECK(read_file(folder / "big", 1000).size() == 1000);
}

TEST_CASE("a symbolic link is written through, not replaced") {
  test::TemporaryFolder folder;
  write_file(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real", kLimit) == "new");
}

TEST_CASE("a file name without a folder means the current one") {
  test::TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file("plain", "x");
  fs::current_path(before);
  CHECK(read_file(folder / "plain", kLimit) == "x");
}
