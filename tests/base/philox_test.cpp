#include "d2v/base/philox.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("philox4x32 gives the known answers that Random123 publishes") {
  using Block = std::array<uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t f = 0xffffffff;
  CHECK(philox4x32({f, f, f, f}, {f, f}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("equal keys give equal streams, and every field of the key changes the stream") {
  const RngKey base{.seed = 7, .stream = Stream::mask, .step = 3, .sample = 11, .occurrence = 1, .clone = 2};
  const auto start = [](const RngKey& key) {
    Philox rng(key);
    return rng.next64();
  };
  CHECK(start(base) == start(base));
  std::set<uint64_t> starts{start(base)};
  const auto differs = [&](auto change) {
    RngKey key = base;
    change(key);
    return starts.insert(start(key)).second;
  };
  CHECK(differs([](RngKey& k) { k.seed ^= uint64_t{1} << 40; }));
  CHECK(differs([](RngKey& k) { k.seed ^= 1; }));
  CHECK(differs([](RngKey& k) { k.stream = Stream::crop; }));
  CHECK(differs([](RngKey& k) { k.step ^= 1; }));
  CHECK(differs([](RngKey& k) { k.sample ^= 1; }));
  CHECK(differs([](RngKey& k) { k.sample ^= uint64_t{1} << 63; }));
  CHECK(differs([](RngKey& k) { k.occurrence ^= 1; }));
  CHECK(differs([](RngKey& k) { k.clone ^= 1; }));
}

TEST_CASE("streams of many neighbouring keys do not repeat") {
  std::set<uint64_t> seen;
  for (uint64_t step = 0; step < 20; ++step)
    for (uint64_t sample = 0; sample < 500; ++sample)
      for (uint32_t clone = 0; clone < 4; ++clone) {
        Philox rng({.seed = 1, .stream = Stream::mask, .step = step, .sample = sample, .clone = clone});
        seen.insert(rng.next64());
      }
  CHECK(seen.size() == 20 * 500 * 4);
}

TEST_CASE("uniform numbers fill [0, 1) evenly") {
  Philox rng({.seed = 5});
  const int n = 100000;
  std::array<int, 10> bins{};
  for (int i = 0; i < n; ++i) {
    const double x = rng.uniform();
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    ++bins[static_cast<size_t>(x * 10)];
  }
  for (int count : bins) CHECK(std::abs(count - n / 10) < 500);  // 5 deviations
}

TEST_CASE("uniform(low, high) stays inside its bounds") {
  Philox rng({.seed = 6});
  for (int i = 0; i < 10000; ++i) {
    const double x = rng.uniform(-0.25, 3.5);
    REQUIRE(x >= -0.25);
    REQUIRE(x < 3.5);
  }
  CHECK(rng.uniform(2, 2) == 2);
}

TEST_CASE("below(n) is unbiased and refuses 0") {
  Philox rng({.seed = 8});
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(rng.below(7));
  for (int count : counts) CHECK(std::abs(count - 10000) < 500);
  CHECK(rng.below(1) == 0);
  // Three quarters of 2^32: without rejection the outcomes of the first third would come twice as often.
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += rng.below(3u << 30) < (1u << 30);
  CHECK(std::abs(low - 10000) < 450);
  CHECK_THROWS_AS(rng.below(0), Error);
}

namespace {
// Mean, variance and fourth moment within 5 deviations of those of N(0, 1), and the share beyond 2.
template <class Draw>
void check_normal(int n, Draw draw) {
  double sum = 0, square = 0, fourth = 0;
  int beyond = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw(i);
    REQUIRE(std::isfinite(x));
    sum += x;
    square += x * x;
    fourth += x * x * x * x;
    beyond += std::abs(x) > 2;
  }
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(square / n - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::abs(fourth / n - 3) < 5 * std::sqrt(96.0 / n));
  CHECK(std::abs(beyond / double(n) - 0.0455003) < 5 * std::sqrt(0.0455 / n));
}
}  // namespace

TEST_CASE("normal() is standard normal") {
  Philox rng({.seed = 9});
  check_normal(200000, [&](int) { return rng.normal(); });
}

TEST_CASE("fill_normal is normal with the given mean and deviation") {
  std::vector<float> x(1 << 20);
  fill_normal({.seed = 10}, 0, x, 0, 1);
  check_normal(static_cast<int>(x.size()), [&](int i) { return x[i]; });
  // Neighbours at the distances of the bulk layout are not correlated.
  for (size_t lag : {1, 4, 8, 16, 24, 32}) {
    double product = 0;
    for (size_t i = lag; i < x.size(); ++i) product += double(x[i]) * x[i - lag];
    CHECK(std::abs(product / x.size()) < 5 / std::sqrt(x.size()));
  }
  std::vector<float> y(1000), z(1000);
  fill_normal({.seed = 10}, 0, y, 3, 0.5);
  for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(3 + 0.5 * x[i]).epsilon(1e-6));
  fill_normal({.seed = 10}, 0, z, 3, 0);
  CHECK(std::all_of(z.begin(), z.end(), [](float v) { return v == 3; }));
}

TEST_CASE("fill_normal gives the same elements in pieces, whatever the pieces") {
  const RngKey key{.seed = 11, .stream = Stream::decoder_noise, .sample = 4};
  std::vector<float> whole(1000);
  fill_normal(key, 0, whole, 0, 1);
  Philox rng(key);
  for (int round = 0; round < 200; ++round) {
    const size_t from = rng.below(1000), count = rng.below(static_cast<uint32_t>(1001 - from));
    std::vector<float> piece(count);
    fill_normal(key, static_cast<int64_t>(from), piece, 0, 1);
    REQUIRE(std::equal(piece.begin(), piece.end(), whole.begin() + static_cast<long>(from)));
  }
  std::vector<float> again(1000);
  rng.fill_normal(again, 0, 1);  // not moved by what was drawn from rng
  CHECK(again == whole);
  CHECK_THROWS_AS(fill_normal(key, -1, whole, 0, 1), Error);
}

TEST_CASE("fill_normal reaches far offsets without repeating the start") {
  std::vector<float> near(64), far(64);
  fill_normal({.seed = 12}, 0, near, 0, 1);
  fill_normal({.seed = 12}, int64_t{1} << 40, far, 0, 1);
  CHECK(near != far);
}

TEST_CASE("the numbers of a run are part of its format: these never change") {
  Philox rng({.seed = 1, .stream = Stream::order, .step = 2, .sample = 3, .occurrence = 4, .clone = 5});
  CHECK(rng() == 0x2392c67b);
  CHECK(rng() == 0xedd421d9);
  std::vector<float> x(32);
  rng.fill_normal(x, 0, 1);
  CHECK(x[0] == 0x1.0b8adep-3f);
  CHECK(x[9] == -0x1.269a3ep-1f);
  CHECK(x[31] == 0x1.8e3038p+0f);
}
