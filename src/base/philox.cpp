#include "d2v/base/philox.h"

#include <cmath>
#include <numbers>

#include "d2v/base/check.h"
#include "philox_rounds.h"

namespace d2v {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < philox::kRounds; ++round) {
    philox::round(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
    key[0] += philox::kWeyl0;
    key[1] += philox::kWeyl1;
  }
  return counter;
}

PhiloxState philox_state(const RngKey& key) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  // Two applications of a bijection of the counter: of one stream, no two keys that agree in (seed, step) or
  // in (sample, occurrence, clone) can ever collide.
  const auto first = philox4x32({low(key.seed), high(key.seed), low(key.step), high(key.step)},
                                {static_cast<uint32_t>(key.stream), 0x64327631u});
  const auto second = philox4x32({first[0] ^ low(key.sample), first[1] ^ high(key.sample),
                                  first[2] ^ key.occurrence, first[3] ^ key.clone},
                                 {static_cast<uint32_t>(key.stream), 0x64327632u});
  return {{second[0], second[1]}, {second[2], second[3]}};
}

Philox::Philox(const RngKey& key) : rng_key_(key) {
  const PhiloxState state = philox_state(key);
  key_ = state.key;
  counter_ = {0, 0, state.counter_high[0], state.counter_high[1]};
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
