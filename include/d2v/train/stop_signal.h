// SIGINT and SIGTERM as a wish to stop: the trainer finishes its update, saves, and returns.
#pragma once

namespace d2v {

// While it lives, SIGINT and SIGTERM are only noted; a second SIGINT ends the process at once with status 130.
// The handlers of before come back when it goes. One at a time in a process.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // SIGINT, SIGTERM, or 0 when none came. The exit code of a run it stopped is 128 + this number: 130, 143.
  static int received();
};

}  // namespace d2v
