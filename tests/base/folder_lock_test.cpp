#include "d2v/base/folder_lock.h"

#include <signal.h>
#include <string>
#include <unistd.h>
#include <utility>

#include <sys/wait.h>

#include "d2v/base/check.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a folder is locked once, and free again when its lock ends") {
  test::TemporaryFolder folder;
  const auto run = folder / "new/run";  // created
  {
    FolderLock lock(run);
    CHECK_THROWS_WITH_AS(FolderLock{run},
                         (run.string() + " is in use by another run (process " + std::to_string(::getpid()) +
                          "); wait for it to end, or choose another run.dir")
                             .c_str(),
                         StorageError);
    const FolderLock moved = std::move(lock);
    CHECK_THROWS_AS(FolderLock{run}, StorageError);
  }
  CHECK_NOTHROW(FolderLock{run});
}

TEST_CASE("the lock of a killed process is gone with it") {
  test::TemporaryFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK_THROWS_AS(FolderLock{folder.path()}, StorageError);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK_NOTHROW(FolderLock{folder.path()});
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("a folder that cannot be made or written is a storage error") {
  CHECK_THROWS_AS(FolderLock("/proc/no"), StorageError);
  CHECK_THROWS_AS(FolderLock("/dev/null/no"), StorageError);
}
