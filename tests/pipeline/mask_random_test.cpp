// Numbers eight blocks at a time are those that Philox gives one by one.
#include "../../pipeline/mask_random.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("raw numbers, bounded ones and doubles are Philox's, in any order of calls") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const RngKey key{.seed = seed << 33 | seed,
                     .stream = Stream::mask,
                     .step = seed * 77,
                     .sample = seed * 0x9e3779b97f4a7c15u,
                     .occurrence = static_cast<uint32_t>(seed % 3),
                     .clone = static_cast<uint32_t>(seed % 16)};
    Philox expected(key);
    MaskRandom found(key);
    for (uint32_t i = 0; i < 500; ++i) {
      CAPTURE(i);
      if (i % 5 == 0) REQUIRE(found() == expected());
      // Near 2^32 the draw is often repeated.
      REQUIRE(found.below(3'000'000'000u) == expected.below(3'000'000'000u));
      REQUIRE(found.below(i + 1) == expected.below(i + 1));
      if (i % 7 == 0) REQUIRE(found.uniform() == expected.uniform());
      if (i % 11 == 0) REQUIRE(found.uniform(-1.5, 2.5) == expected.uniform(-1.5, 2.5));
    }
  }
}
