// The functor that kernels use draws the numbers of the host's generator, bit for bit.
#include "d2v/base/philox_functor.h"

#include <vector>

#include "d2v/base/philox.h"

#include "doctest.h"

namespace d2v {
namespace {

RngKey some_key(uint32_t i) {
  return {.seed = 77 + i,
          .stream = Stream::decoder_noise,
          .step = uint64_t{i} << 33,
          .sample = 0x123456789abcdefull * (i + 1),
          .occurrence = i,
          .clone = 3 * i};
}

TEST_CASE("numbers drawn one by one are the words of blocks 0, 1, …") {
  for (uint32_t i = 0; i < 20; ++i) {
    Philox host(some_key(i));
    const philox::StreamStart start = philox::start_of(some_key(i));
    for (uint64_t block = 0; block < 5; ++block)
      for (uint32_t word : philox::block_at(start, block).word) CHECK(word == host());
  }
}

TEST_CASE("the first uniform number is the host's") {
  for (uint32_t i = 0; i < 100; ++i)
    CHECK(philox::first_uniform(philox::start_of(some_key(i))) == Philox(some_key(i)).uniform());
}

TEST_CASE("every element of a stream of normal numbers is computed alone") {
  for (const int64_t count : {1, 7, 31, 32, 33, 500}) {
    const RngKey key = some_key(static_cast<uint32_t>(count));
    std::vector<float> host(static_cast<size_t>(count));
    fill_normal(key, 0, host, 0.5f, 0.02f);
    const philox::StreamStart start = philox::start_of(key);
    for (size_t i = 0; i < host.size(); ++i) {
      CAPTURE(i);
      CHECK(philox::normal_at(start, i, 0.5f, 0.02f) == host[i]);
    }
  }
}

TEST_CASE("keys of sites, heads and queries are told apart") {
  const RngKey key = some_key(1);
  const auto first = [](const RngKey& k) { return philox::block_at(philox::start_of(k), 0).word[0]; };
  CHECK(first(philox::at_site(key, Stream::dropout, 0)) != first(philox::at_site(key, Stream::dropout, 1)));
  CHECK(first(philox::at_query(key, 0, 1, 2)) != first(philox::at_query(key, 0, 2, 1)));
  CHECK(first(philox::at_query(key, 5, 0, 0)) == first(philox::at_site(key, Stream::dropout, 5)));
}

}  // namespace
}  // namespace d2v
