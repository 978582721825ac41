// Errors: what was expected, what was found, where, what to do.
//
// One function, `check`, with fmt format strings. Every error is an exception derived from `Error`; its
// exit code is what the process returns when nobody handles it. Nothing in the program aborts.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace d2v {

// What the process returns. 130 and 143 (stopped by SIGINT, SIGTERM) are the shell's convention.
enum class ExitCode : int {
  ok = 0,
  failure = 1,   // a fault of the program, or of something it cannot name
  usage = 2,     // command line, recipe or a combination of settings
  data = 3,      // input files: missing, unreadable, broken, too few
  storage = 4,   // writing failed: disk full, no permission, folder in use
  collapse = 5,  // training stopped itself: variance guard, non-finite loss
  interrupted = 130,
  terminated = 143,
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what, ExitCode code = ExitCode::failure)
      : std::runtime_error(what), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <ExitCode Code>
class ErrorOf : public Error {
 public:
  explicit ErrorOf(const std::string& what) : Error(what, Code) {}
};

using UsageError = ErrorOf<ExitCode::usage>;
using DataError = ErrorOf<ExitCode::data>;
using StorageError = ErrorOf<ExitCode::storage>;
using CollapseError = ErrorOf<ExitCode::collapse>;

// Throws E with the formatted message.
template <class E = Error, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

// Throws E with the formatted message unless `ok`. The arguments are evaluated either way.
template <class E = Error, class... Args>
void check(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    fail<E>(format, std::forward<Args>(args)...);
}

}  // namespace d2v
