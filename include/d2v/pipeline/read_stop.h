// Reads that nobody waits for any more end early: a flag that another thread sets, looked at now and then.
#pragma once

#include <atomic>

#include "d2v/base/check.h"

namespace d2v {

// What such a read throws. No DataError: nothing is wrong with the sample.
struct ReadStopped : Error {
  ReadStopped() : Error("a read was stopped") {}
};

// Null: never stopped. Costs one load.
inline void check_stop(const std::atomic<bool>* stop) {
  if (stop != nullptr && stop->load(std::memory_order_relaxed)) throw ReadStopped();
}

}  // namespace d2v
