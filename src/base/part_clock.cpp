#include "d2v/base/part_clock.h"

#include <chrono>

namespace d2v {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace d2v
