// Every file of recipes/ describes a model that can be built. Only declarations: the largest would not fit here.
#include <set>

#include "d2v/eval/costs.h"
#include "d2v/model/objective.h"
#include "recipe_file.h"

#include "doctest.h"

using namespace d2v;

namespace {

// The keys whose values differ, run.dir aside.
std::set<std::string> differences(const std::string& a, const std::string& b) {
  Config one = test::recipe_config(a), two = test::recipe_config(b);
  std::set<std::string> out;
  for (const Difference& d : diff(option_table(one), option_table(two)))
    if (d.key != "run.dir") out.insert(d.key);
  return out;
}

int64_t elements(const std::string& recipe) {
  int64_t total = 0;
  const ParameterLayout layout = objective_layout(test::recipe_config(recipe));
  for (const Parameter& p : layout.all()) total += p.count;
  return total;
}

}  // namespace

TEST_CASE(
    "every recipe parses, its parameters and its masks can be laid out, and its run folder is its own") {
  std::set<std::string> folders;
  for (const std::string& name : test::recipe_names()) {
    CAPTURE(name);
    const Config config = test::recipe_config(name);
    CHECK(objective_layout(config).size() > 0);
    CHECK(sample_tokens(config).plan.masked > 0);
    CHECK(config.target.layers <= config.model.depth);
    // Batches of so many seconds need no divisor.
    if (config.speech.batch_seconds == 0) CHECK(config.data.batch % config.run.accumulate == 0);
    CHECK(folders.insert(config.run.dir).second);
  }
}

TEST_CASE("every published recipe is there") {
  const std::vector<std::string> names = test::recipe_names();
  const std::set<std::string> found(names.begin(), names.end());
  for (const char* name :
       {"image_base", "image_large", "image_huge", "speech_base", "speech_large", "text_base", "text_large",
        "mae_image_base", "data2vec1_image_base", "data2vec1_speech_base", "data2vec1_text_base"}) {
    CHECK_MESSAGE(found.contains(name), name);
    CHECK_MESSAGE(found.contains(std::string(name) + "_released"), name);
  }
}

TEST_CASE("EAT's recipe is there, with the sizes of its model and masks") {
  const Config config = test::recipe_config("spectrogram_base");
  CHECK(config.data.batch == 48);
  CHECK(config.loss.cls == 1);
  const SampleTokens tokens = sample_tokens(config);
  CHECK(tokens.plan.grid.rows == 64);
  CHECK(tokens.plan.grid.columns == 8);
  CHECK(tokens.student == 1 + 102);
  // 12 blocks, patch embedding, positions, CLS token and first norm, six convolutions and a projection.
  CHECK(elements("spectrogram_base") ==
        12 * 7'087'872 + 197'376 + 512 * 768 + 3 * 768 + 6 * 332'544 + 590'592);
}

TEST_CASE("a released recipe differs from the paper's in what its comment says, and in nothing else") {
  using Keys = std::set<std::string>;
  for (const char* name :
       {"image_base", "speech_base", "speech_large", "text_base", "text_large", "data2vec1_speech_base"})
    CHECK_MESSAGE(differences(name, std::string(name) + "_released") == Keys{"optim.decay_all"}, name);
  CHECK(differences("image_large", "image_large_released") ==
        Keys{"optim.decay_all", "data.batch", "run.accumulate", "ema.end_decay", "ema.anneal"});
  CHECK(differences("image_huge", "image_huge_released") == Keys{"optim.decay_all", "target.layers"});
  CHECK(differences("mae_image_base", "mae_image_base_released") ==
        Keys{"data.batch", "run.accumulate", "run.updates", "optim.lr", "optim.warmup"});
  CHECK(differences("data2vec1_text_base", "data2vec1_text_base_released") ==
        Keys{"optim.decay_all", "optim.schedule", "optim.warmup", "optim.hold", "mask.prob", "mask.block",
             "data2vec1.mask_share", "data2vec1.random_share", "ema.anneal"});
  CHECK(differences("data2vec1_image_base", "data2vec1_image_base_released") ==
        Keys{"optim.decay_all", "optim.lr", "optim.warmup", "run.updates", "mask.prob",
             "data2vec1.image_head", "model.drop_path_end", "model.norm_eps", "ema.decay", "ema.anneal"});
}

TEST_CASE(
    "the epochs of ImageNet-1k that the image recipes' comments name are their updates times their batch") {
  const auto epochs_of = [](const char* name) {
    const Config config = test::recipe_config(name);
    REQUIRE(config.run.updates.unit == Length::Unit::updates);
    return config.run.updates.value * static_cast<double>(config.data.batch) / 1'281'167;
  };
  for (const auto& [name, epochs] : {std::pair{"image_base", 75.0},
                                     {"image_base_released", 75},
                                     {"image_large", 150},
                                     {"image_large_released", 37.5},
                                     {"image_huge", 100},
                                     {"image_huge_released", 100},
                                     {"mae_image_base_released", 300},
                                     {"data2vec1_image_base_released", 600}})
    CHECK_MESSAGE(epochs_of(name) == doctest::Approx(epochs).epsilon(2e-3), name);
}

TEST_CASE("the audio and the tokens of a global batch are the released ones' workers times theirs") {
  const auto audio = [](const char* name) {
    const SpeechConfig speech = test::recipe_config(name).speech;
    return speech.batch_seconds * static_cast<double>(speech.sample_rate);
  };
  CHECK(audio("speech_base") == 8 * 1'000'000);
  CHECK(audio("speech_large") == 48 * 320'000);
  CHECK(audio("data2vec1_speech_base") == 16 * 3'800'000);
  const auto tokens = [](const char* name) {
    const Config config = test::recipe_config(name);
    return config.data.batch * config.text.block;
  };
  CHECK(tokens("text_base") == 16 * 4 * 512);
  CHECK(tokens("text_large") == 32 * 2 * 512);
  CHECK(tokens("data2vec1_text_base") == 16 * 8192);
}

TEST_CASE("data2vec 1's BEiT masks hide 120 of 196 patches in the paper's recipe, 75 in the released one") {
  for (const auto& [name, masked] :
       {std::pair{"data2vec1_image_base", 120}, {"data2vec1_image_base_released", 75}}) {
    const Config config = test::recipe_config(name);
    CHECK(sample_tokens(config).plan.masked == masked);
  }
}

TEST_CASE("the larger recipes have the sizes that their names promise") {
  CHECK(elements("image_large") / 1'000'000 == 309);  // 303 M of ViT-L, its fixed positions, the decoder
  CHECK(elements("image_huge") / 1'000'000 == 637);   // 631 M of ViT-H/14, likewise
}

TEST_CASE("the large models of speech and text are those of the base models' rules at width 1024") {
  constexpr int64_t d = 1024, blocks = 24 * (12 * d * d + 13 * d);
  // Five positional convolutions of 16 groups, an ALiBi scale per head and a norm are in the teacher, too.
  constexpr int64_t shared = 5 * (d * (d / 16) * 19 + d) + 16 + 2 * d;
  constexpr int64_t features = 512 * 10 + 4 * 512 * 512 * 3 + 2 * 512 * 512 * 2 + 7 * 2 * 512;
  constexpr int64_t projection = 2 * 512 + 512 * d + d;
  constexpr int64_t speech_decoder = 768 * (d / 16) * 7 + 3 * 768 * (768 / 16) * 7 + 4 * 768 + 768 * d + d;
  CHECK(blocks + shared + features + projection + speech_decoder == 315'184'144);
  CHECK(elements("speech_large") == 315'184'144);
  CHECK(objective_layout(test::recipe_config("speech_large")).all().size() == 336);

  constexpr int64_t words = (50265 + 512 + 2) * d + 2 * d;  // tokens, positions, a norm
  constexpr int64_t text_decoder =
      768 * d * 9 + 4 * 768 * 768 * 9 + 5 * 768 + (768 + 1) * 1536 + (1536 + 1) * d;
  CHECK(blocks + words + text_decoder == 385'379'584);
  CHECK(elements("text_large") == 385'379'584);
  CHECK(objective_layout(test::recipe_config("text_large")).all().size() == 306);
}
