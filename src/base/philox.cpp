#include "d2v/base/philox.h"

#include <cmath>
#include <numbers>

#include "d2v/base/check.h"
#include "d2v/base/philox_functor.h"

namespace d2v {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  const philox::Block out = philox::block({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  return {out.word[0], out.word[1], out.word[2], out.word[3]};
}

Philox::Philox(const RngKey& key) : rng_key_(key) {
  const philox::StreamStart start = philox::start_of(key);
  key_ = {start.key[0], start.key[1]};
  counter_ = {0, 0, start.counter_high[0], start.counter_high[1]};
}

uint32_t Philox::operator()() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t Philox::next64() {
  const uint64_t low = (*this)();
  const uint64_t high = (*this)();
  return high << 32 | low;
}

double Philox::uniform() { return static_cast<double>(next64() >> 11) * 0x1p-53; }

double Philox::uniform(double low, double high) {
  const double x = low + (high - low) * uniform();
  return x < high || !(low < high) ? x : low;  // rounding may reach the open end
}

uint32_t Philox::below(uint32_t n) {
  check(n > 0, "Philox::below: expected a positive number of outcomes, found 0");
  // Lemire, "Fast Random Integer Generation in an Interval", 2019.
  uint64_t product = uint64_t{(*this)()} * n;
  if (static_cast<uint32_t>(product) < n) {
    const uint32_t threshold = -n % n;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{(*this)()} * n;
  }
  return static_cast<uint32_t>(product >> 32);
}

double Philox::normal() {
  const double u = 1 - uniform();  // (0, 1]
  const double angle = 2 * std::numbers::pi * uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(angle);
}

void Philox::fill_normal(std::span<float> out, float mean, float std) {
  d2v::fill_normal(rng_key_, 0, out, mean, std);
}

}  // namespace d2v
