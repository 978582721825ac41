// Tells when a checkpoint is due by time.
#pragma once

#include <chrono>

namespace d2v {

class SaveClock {
 public:
  explicit SaveClock(double minutes) : minutes_(minutes) { saved(); }
  bool due() const {
    const std::chrono::duration<double, std::ratio<60>> passed = std::chrono::steady_clock::now() - last_;
    return minutes_ > 0 && passed.count() >= minutes_;
  }
  void saved() { last_ = std::chrono::steady_clock::now(); }

 private:
  double minutes_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace d2v
