// Who works on a row. Rows are written once, for a team whose members take every step()-th element and add up what they
// found: on a GPU the threads of a block (src/cuda/block_team.cuh), on the host one thread, or several played by one.
#pragma once

#include <cstdint>

#include "d2v/base/host_device.h"

namespace d2v {

// A team of one. A team has
//   first(), step()   the elements of a member: first(), first() + step(), …; the same in all loops over a row
//   leader()          whether the member writes what there is once per row
//   sum(x)            the sum of the members' x, given to all of them
struct Alone {
  D2V_HOST_DEVICE int64_t first() const { return 0; }
  D2V_HOST_DEVICE int64_t step() const { return 1; }
  D2V_HOST_DEVICE bool leader() const { return true; }
  template <class T>
  D2V_HOST_DEVICE T sum(T x) const {
    return x;
  }
};

}  // namespace d2v
