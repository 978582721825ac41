// The numbers of a Philox stream, eight blocks at a time: the same numbers as class Philox gives. Private to the pipeline;
// a mask takes hundreds of them.
#pragma once

#include <array>
#include <cstdint>

#include "d2v/base/philox_bits.h"

namespace d2v {

class MaskRandom {
 public:
  explicit MaskRandom(const RngKey& key) : stream_(philox::start_of(key)) {}

  uint32_t operator()() {
    if (used_ == kAhead) refill();
    return ahead_[used_++];
  }
  // As Philox::uniform.
  double uniform() {
    const uint64_t low = (*this)(), high = (*this)();
    return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
  }
  double uniform(double low, double high) {
    const double x = low + (high - low) * uniform();
    return x < high || !(low < high) ? x : low;
  }
  // As Philox::below: {0, …, n-1}, n > 0.
  uint32_t below(uint32_t n) {
    uint64_t product = uint64_t{(*this)()} * n;
    if (static_cast<uint32_t>(product) < n) [[unlikely]] {
      const uint32_t threshold = -n % n;
      while (static_cast<uint32_t>(product) < threshold) product = uint64_t{(*this)()} * n;
    }
    return static_cast<uint32_t>(product >> 32);
  }

 private:
  static constexpr uint32_t kAhead = 32;  // eight blocks
  void refill() {
    fill_bits(stream_, drawn_, ahead_);
    drawn_ += kAhead;
    used_ = 0;
  }

  philox::StreamStart stream_;
  uint64_t drawn_ = 0;
  uint32_t used_ = kAhead;
  std::array<uint32_t, kAhead> ahead_;
};

}  // namespace d2v
