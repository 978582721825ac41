#include "d2v/eval/subprocess.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sstream>
#include <unistd.h>

#include <sys/wait.h>

#include "d2v/base/check.h"

extern char** environ;

namespace d2v {

ProcessResult run_process(const std::vector<std::string>& arguments) {
  check(!arguments.empty(), "no program to run");
  std::array<int, 2> pipe_ends;
  check(pipe2(pipe_ends.data(), O_CLOEXEC) == 0, "cannot make a pipe for {}: {}", arguments[0],
        std::strerror(errno));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int started = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[1]);
  if (started != 0) {
    close(pipe_ends[0]);
    fail("cannot run {}: {}", arguments[0], std::strerror(started));
  }

  ProcessResult result;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = read(pipe_ends[0], buffer.data(), buffer.size());
    if (n > 0)
      result.output.append(buffer.data(), static_cast<size_t>(n));
    else if (n == 0 || errno != EINTR)
      break;
  }
  close(pipe_ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace d2v
