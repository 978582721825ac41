#include "d2v/base/philox_bits.h"

#include <vector>

#include "doctest.h"

using namespace d2v;

TEST_CASE(
    "bits in bulk are the numbers that the stream gives one by one, from any offset and of any length") {
  const RngKey key{77, Stream::test, 3, 12345678901ull, 2, 5};
  std::vector<uint32_t> sequence;
  Philox random(key);
  for (int i = 0; i < 300; ++i) sequence.push_back(random());
  for (const uint64_t offset : {0, 1, 3, 4, 31, 32, 33, 64, 100}) {
    for (const size_t count : {0, 1, 2, 5, 31, 32, 33, 64, 65, 170}) {
      CAPTURE(offset);
      CAPTURE(count);
      std::vector<uint32_t> bits(count);
      fill_bits(key, offset, bits);
      CHECK(std::equal(bits.begin(), bits.end(), sequence.begin() + static_cast<int64_t>(offset)));
    }
  }
}

TEST_CASE("bits far into a stream continue over the carry of its counter") {
  const RngKey key{1, Stream::test};
  const uint64_t carry = uint64_t{4} << 32;  // the first number of the block whose index needs 33 bits
  std::vector<uint32_t> across(64), after(32);
  fill_bits(key, carry - 32, across);
  fill_bits(key, carry, after);
  CHECK(std::equal(after.begin(), after.end(), across.begin() + 32));
  std::vector<uint32_t> start(32);
  fill_bits(key, 0, start);
  CHECK(start != after);
}
