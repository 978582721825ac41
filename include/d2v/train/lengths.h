// Lengths of a run's schedules in updates, resolved once the size of an epoch is known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/train/schedules.h"

namespace d2v {

struct RunLengths {
  int64_t per_epoch = 1;  // updates in an epoch
  int64_t updates = 1;    // of the whole run
  int64_t stop_at = 1;    // where this session stops: run.stop_at or the end
  int64_t warmup = 0;
  int64_t hold = 0;
  int64_t anneal = 0;
  int64_t valid_every = 0;       // 0: only at the end
  int64_t checkpoint_every = 0;  // 0: only by time and at the end
  int64_t keep_every = 0;        // 0: none
};

// Throws UsageError when the run has no update or an epoch has none.
RunLengths resolve_lengths(const Config& config, int64_t updates_per_epoch);

// optim.schedule over the run; the decay of tri_stage takes what warm-up and hold leave.
LearningRate rate_of(const Config& config, const RunLengths& lengths);
EmaDecay decay_of(const Config& config, const RunLengths& lengths);

// What is printed when a run starts: every length as written and in updates.
std::vector<std::string> describe_lengths(const Config& config, const RunLengths& lengths);

// In words: a warm-up or an anneal that the run is too short for.
std::vector<std::string> length_warnings(const Config& config, const RunLengths& lengths);

}  // namespace d2v
