// Made-up batches have the shapes of the loader's, for every modality, and are the same every time.
#include "d2v/train/synthetic_batch.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

namespace {

using namespace d2v;

Config config_of(Modality modality) {
  Config config;
  config.data.batch = 3;
  config.mask.clones = 2;
  config.mask.prob = 0.5;
  config.mask.adjust = 0;
  config.model.modality = modality;
  if (modality == Modality::image) {
    config.image.size = 32;
    config.image.patch = 4;
    return config;
  }
  config.mask.kind = MaskKind::random;
  config.mask.block = 1;
  config.speech.max_seconds = 0.5;
  config.text.block = 40;
  config.text.vocabulary_size = 100;
  return config;
}

void check_masks(const DeviceBatch& batch, int64_t positions) {
  REQUIRE(batch.visible.sizes().slice(0, 2) == at::IntArrayRef{3, 2});
  const at::Tensor all = std::get<0>(at::cat({batch.visible, batch.masked}, 2).sort(-1));
  CHECK(at::equal(all, at::arange(positions).expand({3, 2, positions})));
}

}  // namespace

TEST_CASE("pictures: normal pixels on the recipe's grid") {
  const DeviceBatch batch = synthetic_batch(config_of(Modality::image));
  CHECK(batch.input.sizes() == at::IntArrayRef{3, 3, 32, 32});
  CHECK(batch.input.std().item<double>() == doctest::Approx(1).epsilon(0.05));
  check_masks(batch, 64);
}

TEST_CASE("speech: speech.max_seconds of sound, masks over the frames that the convolutions make of it") {
  const DeviceBatch batch = synthetic_batch(config_of(Modality::speech));
  CHECK(batch.input.sizes() == at::IntArrayRef{3, 8000});
  check_masks(batch, 24);
}

TEST_CASE("text: words of the vocabulary, neither special tokens nor the mask") {
  const DeviceBatch batch = synthetic_batch(config_of(Modality::text));
  CHECK(batch.input.sizes() == at::IntArrayRef{3, 40});
  CHECK(batch.input.min().item<int64_t>() >= 4);
  CHECK(batch.input.max().item<int64_t>() <= 98);
  check_masks(batch, 40);
}

TEST_CASE("BERT's runs hide equally many tokens in every row") {
  Config config = config_of(Modality::text);
  config.mask.kind = MaskKind::bert;
  config.mask.block = 2;
  check_masks(synthetic_batch(config), 40);
}

TEST_CASE("the same configuration gives the same batch") {
  const Config config = config_of(Modality::text);
  CHECK(at::equal(synthetic_batch(config).input, synthetic_batch(config).input));
}

TEST_CASE("text without the vocabulary's size is refused with the option to give") {
  Config config = config_of(Modality::text);
  config.text.vocabulary_size = 0;
  CHECK_THROWS_WITH_AS(synthetic_batch(config), doctest::Contains("--text.vocabulary_size"), UsageError);
}
