// d2v COMMAND …: finds the command, turns errors into messages and exit codes.
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "commands.h"
#include "d2v/base/check.h"
#include "d2v/base/nearest.h"
#include "d2v/base/version.h"
#include "d2v/nn/simd.h"

namespace d2v {
namespace {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> list{
      &pretrain_command(), &resume_command(), &config_command(), &inspect_command(), &report_command(),
      &embed_command(),    &probe_command(),  &masks_command(),  &prepare_command(), &bench_command(),
  };
  return list;
}

std::string overview() {
  std::string text = "d2v: data2vec 2.0 self-supervised pretraining\n\nUsage: d2v COMMAND …\n\nCommands:\n";
  for (const Command* command : commands())
    text += fmt::format("  {:<10}{}\n", command->spec.name, command->spec.summary);
  return text +
         "\n`d2v COMMAND --help` lists the options of a command. `d2v --version` prints the version.\n";
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    std::fputs(overview().c_str(), arguments.empty() ? stderr : stdout);
    return static_cast<int>(arguments.empty() ? ExitCode::usage : ExitCode::ok);
  }
  if (arguments[0] == "--version") {
    fmt::print("d2v {}\n", kVersion);
    return 0;
  }
  std::vector<std::string> names;
  for (const Command* command : commands()) {
    names.push_back(command->spec.name);
    if (command->spec.name != arguments[0]) continue;
    Config defaults;
    const auto table = option_table(defaults);
    const ParsedLine line = parse_line(command->spec, std::span(arguments).subspan(1), table);
    if (line.help) {
      std::fputs(help_text(command->spec, table, terminal_width()).c_str(), stdout);
      return 0;
    }
    return command->run(line);
  }
  const std::string near = suggestion(arguments[0], names);
  fail<UsageError>("unknown command '{}'{}", arguments[0], near.empty() ? "; `d2v --help` lists all" : near);
}

constexpr const char* kOutOfMemory =
    "out of memory; raise run.accumulate (smaller slices, the same update), or use a smaller model";

// Activations are taken and given back at every step. By itself glibc returns large pieces to the system each time, which then
// has to clear them again: 4 to 5 % of a small model's step.
void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kPieceOfTheSystem = 1 << 30, kNever = -1;
  mallopt(M_MMAP_THRESHOLD, kPieceOfTheSystem);
  mallopt(M_TRIM_THRESHOLD, kNever);
#endif
}

int report(const char* message, ExitCode code) {
  fmt::print(stderr, "d2v: error: {}\n", message);
  return static_cast<int>(code);
}

}  // namespace
}  // namespace d2v

int main(int argc, char** argv) {
  using namespace d2v;
  keep_freed_memory();
  try {
    choose_simd();  // a wrong D2V_SIMD is said before anything is done
    const int result = dispatch(std::vector<std::string>(argv + (argc > 0), argv + argc));
    if (std::fflush(stdout) != 0) return report("cannot write to standard output", ExitCode::storage);
    return result;
  } catch (const Error& error) {
    return report(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report(kOutOfMemory, ExitCode::failure);
  } catch (const std::exception& error) {
    // LibTorch's allocator throws an error of its own.
    const bool memory =
        std::string_view(error.what()).find("can't allocate memory") != std::string_view::npos;
    return report(memory ? kOutOfMemory : error.what(), ExitCode::failure);
  } catch (...) {
    return report("an unknown exception", ExitCode::failure);
  }
}
