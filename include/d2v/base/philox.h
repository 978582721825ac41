// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3",
// SC 2011).
//
// Every random decision of the program is a pure function of a key: the run's seed, what the numbers are for,
// the epoch (data) or update (training), the sample's id, how often that sample occurred before in the epoch,
// and the clone. So results depend neither on the number of threads or workers nor on where a run was
// resumed.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace d2v {

// What a stream of numbers is for. Values are part of the format of a run: never renumber, only append.
enum class Stream : uint32_t {
  init = 1,           // initial parameter values; sample = index of the parameter
  order = 2,          // shuffle of an epoch
  crop = 3,           // random resized crop
  flip = 4,           // horizontal flip
  mask = 5,           // masks of one sample and clone
  replace = 6,        // substitute of a sample that cannot be read
  decoder_noise = 7,  // noise at masked positions of the decoder's input
  dropout = 8,
  drop_path = 9,
  split = 10,  // train / validation / test
  probe = 11,
  batch = 12,      // what is drawn once per batch (mask.prob_min)
  synthetic = 13,  // made-up samples; step = what of them
  // 20 and up belong to the model
  positional_noise = 20,  // noise at masked frames of the relative positional encoder's input
  corruption = 21,        // which chosen tokens become the mask token, a random one, or stay (data2vec 1)
  layerdrop = 22,         // which blocks the student skips in an update
  test = 100,
};

struct RngKey {
  uint64_t seed = 0;
  Stream stream = Stream::test;
  uint64_t step = 0;        // epoch or update
  uint64_t sample = 0;      // sample id
  uint32_t occurrence = 0;  // of the sample within the epoch
  uint32_t clone = 0;
};

// One 128-bit block: the pure function under everything else.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A sequential reader of the stream of one key. Cheap to make; satisfies UniformRandomBitGenerator.
class Philox {
 public:
  using result_type = uint32_t;

  explicit Philox(const RngKey& key);

  uint32_t operator()();
  static constexpr uint32_t min() { return 0; }
  static constexpr uint32_t max() { return UINT32_MAX; }

  uint64_t next64();
  double uniform();  // [0, 1), 53 bits
  double uniform(double low, double high);
  uint32_t below(uint32_t n);  // {0, …, n-1}, unbiased; n > 0
  double normal();             // N(0, 1), Box-Muller
  // Normal numbers in bulk: the free function below from offset 0, whatever was drawn from this reader
  // before.
  void fill_normal(std::span<float> out, float mean, float std);

 private:
  RngKey rng_key_;
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

// Elements offset, offset + 1, … of the key's stream of normal numbers N(mean, std²): element i depends on
// the key and i alone, so a long stream may be filled in pieces and in parallel. Float precision, at most 6.7
// deviations from the mean; the same bits on every processor. Not the numbers that Philox::normal gives.
// Throws Error when offset < 0.
void fill_normal(const RngKey& key, int64_t offset, std::span<float> out, float mean, float std);

}  // namespace d2v
