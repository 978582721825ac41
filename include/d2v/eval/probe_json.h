// probe.json of a run folder: the probe table with the command that made it.
#pragma once

#include <cstdint>
#include <string>

#include "d2v/eval/probe.h"

namespace d2v {

struct StoredProbe {
  std::string command;     // that made it
  std::string checkpoint;  // that was probed
  std::string data;        // folder or table of the samples
  int64_t update = 0;      // of the checkpoint
  ProbeResult result;
};

// Shares are written as fractions of 1.
std::string probe_json(const StoredProbe& probe);

// Throws DataError naming `source` where the text is not what probe_json writes.
StoredProbe parse_probe(const std::string& text, const std::string& source);

}  // namespace d2v
