// The sub-commands of d2v. One file each: parse, build, run; no logic.
//
// To add one: a file NAME.cpp that defines NAME_command(), its declaration here, its line in main.cpp.
#pragma once

#include "d2v/base/command_line.h"
#include "d2v/base/config.h"

namespace d2v {

struct Command {
  CommandSpec spec;
  int (*run)(const ParsedLine& line);  // what the process returns; throws Error
};

const Command& pretrain_command();
const Command& resume_command();
const Command& config_command();
const Command& inspect_command();
const Command& report_command();
const Command& embed_command();
const Command& probe_command();
const Command& masks_command();
const Command& prepare_command();
const Command& bench_command();

}  // namespace d2v
