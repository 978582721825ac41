#include "d2v/eval/simple_features.h"

#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "random_features.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("TF-IDF: counts times rarity, at length 1") {
  const std::vector<std::string> texts{"a cat, a dog", "A bird!", "the cat"};
  const TfIdf words(texts);
  CHECK(words.words() == 5);
  CHECK(words.column("a") == 0);  // two texts each, by alphabet
  CHECK(words.column("cat") == 1);
  CHECK(words.column("bird") == 2);
  CHECK(words.column("fish") == -1);
  std::vector<float> out(5);
  words("A cat a fish", out);
  // "a" twice and "cat" once, each in 2 of 3 texts: both have the rarity ln(4/3) + 1, which the length takes away.
  CHECK(out[0] == doctest::Approx(2 / std::sqrt(5.0)));
  CHECK(out[1] == doctest::Approx(1 / std::sqrt(5.0)));
  CHECK(out[2] == 0);
  words("cat bird", out);
  const double cat = std::log(4.0 / 3) + 1, bird = std::log(4.0 / 2) + 1;
  CHECK(out[1] == doctest::Approx(cat / std::hypot(cat, bird)));
  CHECK(out[2] == doctest::Approx(bird / std::hypot(cat, bird)));
  words("nothing known", out);
  CHECK(out == std::vector<float>(5, 0));
  CHECK(TfIdf(texts, 2).words() == 2);
  CHECK_THROWS_AS(TfIdf(std::vector<std::string>{"...", ""}), DataError);
}

TEST_CASE("TF-IDF of a batch, whose channels are scaled together") {
  const std::vector<std::string> texts{"one two", "two"};
  const FeatureSource source = tf_idf("TF-IDF", TfIdf(texts));
  CHECK(source.scale == ChannelScale::together);
  const at::Tensor found = source.compute({.rows = {0, 1}, .input = {}, .texts = {"two", "one"}});
  CHECK(at::equal(found, at::tensor({1.f, 0.f, 0.f, 1.f}).view({2, 1, 2})));
}

TEST_CASE("statistics of sound leave the padding out") {
  const at::Tensor sound = test::random_features(1, 8000, 1);
  const at::Tensor padded = at::cat({sound, at::zeros({1, 4000})}, 1);
  for (const FeatureSource& source : {log_mel_statistics("", 16000), mfcc_statistics("", 16000)}) {
    const at::Tensor alone = source.compute({.rows = {0}, .input = sound, .extents = {8000}});
    CHECK(alone.sizes() == at::IntArrayRef({1, 1, alone.size(2) == 40 ? 40 : 160}));
    CHECK(at::equal(alone, source.compute({.rows = {0}, .input = padded, .extents = {8000}})));
    CHECK_FALSE(at::equal(alone, source.compute({.rows = {0}, .input = padded, .extents = {12000}})));
    const at::Tensor tiny = source.compute({.rows = {0}, .input = sound, .extents = {10}});
    CHECK(at::isfinite(tiny).all().item<bool>());
  }
}
