#include "d2v/base/log.h"

#include <sstream>
#include <thread>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::istringstream text(read_file(path, 1 << 20));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("an open log file gets every line with date, time and level, and appends") {
  test::TemporaryFolder folder;
  const auto path = folder / "run.log";
  write_file(path, "before\n");
  open_log_file(path);
  log_info("update {}", 7);
  log_warning("two\nlines");
  log_error("bad");
  close_log_file();
  log_info("not in the file");
  const auto lines = lines_of(path);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "before");
  const std::string stamp = "2026-01-31 12:34:56 ";
  const auto rest = [&](size_t i) { return lines[i].substr(stamp.size()); };
  CHECK(lines[1][4] == '-');
  CHECK(lines[1][13] == ':');
  CHECK(rest(1) == "update 7");
  CHECK(rest(2) == "warning: two");
  CHECK(rest(3) == "warning: lines");
  CHECK(rest(4) == "error: bad");
}

TEST_CASE("lines of several threads never mix") {
  test::TemporaryFolder folder;
  const auto path = folder / "run.log";
  open_log_file(path);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) {
        log_info("thread {} line {} end", t, i);
        set_status("at work");
      }
    });
  for (std::thread& thread : threads) thread.join();
  set_status("");
  close_log_file();
  const auto lines = lines_of(path);
  CHECK(lines.size() == 200);
  for (const std::string& line : lines) CHECK(line.ends_with(" end"));
}

TEST_CASE("a log file that cannot be opened is a storage error; one that fails later is left, not the run") {
  CHECK_THROWS_AS(open_log_file("/nowhere/run.log"), StorageError);
  open_log_file("/dev/full");
  CHECK_NOTHROW(log_info("this line reaches only standard error"));
  CHECK_NOTHROW(log_info("and so does this"));
  close_log_file();
}
