// Runs another program and waits for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace d2v {

struct ProcessResult {
  int exit_code = 0;   // 128 + signal when it was killed
  std::string output;  // stdout and stderr together
};

// arguments[0] is the program: a path, or a name that is looked up in PATH. No shell is involved.
// Throws Error when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments);

// The first file of that name in PATH that may be executed.
std::optional<std::string> find_program(const std::string& name);

}  // namespace d2v
