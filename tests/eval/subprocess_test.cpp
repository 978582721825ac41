#include "d2v/eval/subprocess.h"

#include <cstdlib>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("output and exit code come back") {
  const ProcessResult result = run_process({"sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"});
  CHECK(result.exit_code == 7);
  CHECK(result.output == "to stdout\nto stderr\n");
}

TEST_CASE("arguments are not read by a shell") {
  CHECK(run_process({"printf", "%s", "$HOME; `id` 'x'"}).output == "$HOME; `id` 'x'");
}

TEST_CASE("a program killed by a signal reports 128 + its number") {
  CHECK(run_process({"sh", "-c", "kill -9 $$"}).exit_code == 137);
}

TEST_CASE("more output than a pipe holds does not block") {
  CHECK(run_process({"head", "-c", "1000000", "/dev/zero"}).output.size() == 1000000);
}

TEST_CASE("a program that does not exist is an error that names it") {
  CHECK_THROWS_WITH_AS(run_process({"d2v_no_such_program"}), doctest::Contains("d2v_no_such_program"), Error);
}

TEST_CASE("programs are found in PATH") {
  CHECK(find_program("sh").has_value());
  CHECK_FALSE(find_program("d2v_no_such_program").has_value());
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  CHECK_FALSE(find_program("sh").has_value());
  setenv("PATH", path.c_str(), 1);
}
