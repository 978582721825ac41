// Which row goes where between a sample's full sequence and its clones' visible and masked rows.
#pragma once

#include <cstdint>

#include "d2v/base/host_device.h"

namespace d2v {

// Place of `position` in an increasing list, -1 where it is not in it.
D2V_HOST_DEVICE int64_t place_in(const int64_t* increasing, int64_t count, int64_t position) {
  int64_t low = 0, high = count;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (increasing[middle] < position)
      low = middle + 1;
    else
      high = middle;
  }
  return low < count && increasing[low] == position ? low : -1;
}

}  // namespace d2v
