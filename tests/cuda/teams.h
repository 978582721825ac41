// Teams for tests, and random numbers to work on.
#pragma once

#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

#include "d2v/base/philox.h"
#include "d2v/cuda/team.h"

namespace d2v::test {

// One of two threads that share a row as the threads of a block do: sum() waits for the other.
class Pair {
 public:
  struct Meeting {
    std::barrier<> all{2};
    double part[2] = {};
  };
  Pair(Meeting& meeting, int member) : meeting_(&meeting), member_(member) {}
  int64_t first() const { return member_; }
  int64_t step() const { return 2; }
  bool leader() const { return member_ == 0; }
  template <class T>
  T sum(T x) const {
    meeting_->part[member_] = static_cast<double>(x);
    meeting_->all.arrive_and_wait();
    const T total = static_cast<T>(meeting_->part[0]) + static_cast<T>(meeting_->part[1]);
    meeting_->all.arrive_and_wait();
    return total;
  }

 private:
  Meeting* meeting_;
  int member_;
};

// Runs work(team) on both members of a pair.
template <class Work>
void as_pair(const Work& work) {
  Pair::Meeting meeting;
  std::thread other([&] { work(Pair(meeting, 1)); });
  work(Pair(meeting, 0));
  other.join();
}

inline std::vector<float> random_values(size_t count, uint64_t seed, float std = 1) {
  std::vector<float> out(count);
  fill_normal({.seed = seed}, 0, out, 0, std);
  return out;
}

}  // namespace d2v::test
