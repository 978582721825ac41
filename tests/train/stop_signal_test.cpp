#include "d2v/train/stop_signal.h"

#include <csignal>
#include <unistd.h>

#include <sys/wait.h>

#include "doctest.h"

using d2v::StopSignals;

namespace {

// The status of a process that gets the signals, one after the other, and would otherwise end with 7.
int status_after(std::initializer_list<int> signals) {
  const pid_t child = fork();
  if (child == 0) {
    const StopSignals watch;
    for (const int signal : signals) std::raise(signal);
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("a stop signal is noted and forgotten with its watch") {
  {
    const StopSignals watch;
    CHECK(StopSignals::received() == 0);
    std::raise(SIGTERM);
    CHECK(StopSignals::received() == SIGTERM);
  }
  const StopSignals next;
  CHECK(StopSignals::received() == 0);
}

TEST_CASE("a second SIGINT quits at once, other pairs do not") {
  CHECK(status_after({SIGINT}) == 7);
  CHECK(status_after({SIGINT, SIGINT}) == 130);
  CHECK(status_after({SIGTERM, SIGINT}) == 130);
  CHECK(status_after({SIGTERM, SIGTERM}) == 7);
  CHECK(status_after({SIGINT, SIGTERM}) == 7);
}
