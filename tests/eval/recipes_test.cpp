// Every file of recipes/ describes a model that can be built. Only declarations: the largest would not fit here.
#include <cmath>
#include <set>
#include <tuple>

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
    if (config.model.objective != ObjectiveKind::mae) CHECK(config.target.layers <= config.model.depth);
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

namespace {

// What is added up below, in the terms of a Transformer: matrices and biases of a block without its norms.
constexpr int64_t block_matrices(int64_t d) { return 12 * d * d + 9 * d; }

int64_t elements_below(const std::string& recipe, const std::string& prefix) {
  int64_t total = 0;
  const ParameterLayout layout = objective_layout(test::recipe_config(recipe));
  for (const Parameter& p : layout.all())
    if (p.name.starts_with(prefix)) total += p.count;
  return total;
}

}  // namespace

TEST_CASE("data2vec 1's models are BEiT's ViT-B, wav2vec 2.0 Base and RoBERTa Base with a head") {
  constexpr int64_t d = 768, norm = 2 * d;
  // BEiT: no key bias, two factors of layer scale; patches, CLS and mask token; one table of relative positions for all
  // blocks, (2·14-1)² + 3 rows of 12 heads.
  constexpr int64_t beit =
      12 * (block_matrices(d) - d + 2 * norm + 2 * d) + norm + (27 * 27 + 3) * 12 + (d * 768 + d) + 2 * d;
  // The released run has the paper's Linear layer, too, and does not use it.
  CHECK(elements("data2vec1_image_base") == beit + d * d + d);
  CHECK(elements("data2vec1_image_base_released") == beit + d * d + d);

  // wav2vec 2.0: extractor and projection as in data2vec 2.0, its positions, a norm, and a Linear for the prediction.
  constexpr int64_t features = 512 * 10 + 4 * 512 * 512 * 3 + 2 * 512 * 512 * 2 + 7 * 2 * 512;
  constexpr int64_t projection = 2 * 512 + 512 * d + d;
  constexpr int64_t positions = 5 * (d * (d / 16) * 19 + d);
  CHECK(elements("data2vec1_speech_base") == 12 * (block_matrices(d) + 2 * norm) + features + projection +
                                                 positions + norm + d /* mask */ + d * d + d);
  CHECK(elements("data2vec1_speech_base_released") == elements("data2vec1_speech_base"));

  // RoBERTa: 125 M as its authors count, with the head of words.
  constexpr int64_t roberta = 12 * (block_matrices(d) + 2 * norm) + (50265 + 514) * d + norm;
  CHECK(roberta == 124'054'272);
  CHECK(elements("data2vec1_text_base") == roberta + (2 * d * d + 2 * d) + (2 * d * d + d));
  CHECK(elements("data2vec1_text_base_released") == elements("data2vec1_text_base"));
}

TEST_CASE("the encoders of the image recipes are ViT-B/16, ViT-L/16 and ViT-H/14 as published, in millions") {
  // The teacher: everything but the decoder. ViT-B/16 has 86 M, ViT-L/16 304 M, ViT-H/14 632 M with a head of classes.
  for (const auto& [recipe, d, blocks, patch] :
       {std::tuple{"image_base", 768, 12, 16}, {"image_large", 1024, 24, 16}, {"image_huge", 1280, 32, 14}}) {
    CAPTURE(recipe);
    const int64_t side = 224 / patch;
    const int64_t vit = blocks * (block_matrices(d) + 4 * d) + (d * patch * patch * 3 + d) +
                        side * side * d /* positions */ + d /* CLS */ + 2 * d /* norm */;
    int64_t teacher = 0;
    const ParameterLayout layout = objective_layout(test::recipe_config(recipe));
    for (const Parameter& p : layout.all())
      if (p.teacher != TeacherRule::absent) teacher += p.count;
    CHECK(teacher == vit);
    CHECK(std::lround(static_cast<double>(vit) / 1e6) == (d == 768 ? 86 : d == 1024 ? 303 : 631));
  }
  // MAE's ViT-B: 86 M of encoder (its positions have a row for the CLS token, too), 26 M of decoder.
  const int64_t decoder =
      elements_below("mae_image_base", "decoder") + elements_below("mae_image_base", "mask_token");
  CHECK(elements("mae_image_base") - decoder ==
        elements_below("image_base", "blocks.") +
            2 * elements_below("image_base", "modality_encoders.IMAGE.context_encoder.blocks.0.") +
            (768 * 768 + 768) + 197 * 768 + 768 + 2 * 768);
  CHECK(decoder / 1'000'000 == 26);
}

TEST_CASE(
    "the CIFAR-10 recipes compare the objectives: the same pictures, samples, encoder, rate and average") {
  for (const char* name : {"mae_image_cifar10", "data2vec1_image_cifar10"}) {
    CAPTURE(name);
    for (const std::string& key : differences("image_cifar10", name)) {
      CAPTURE(key);
      for (const char* same : {"data.", "image.", "run.", "optim."}) CHECK_FALSE(key.starts_with(same));
      for (const char* same :
           {"model.dim", "model.heads", "model.depth", "model.prenet_depth", "model.extra_tokens"})
        CHECK(key != same);
      if (std::string(name) == "data2vec1_image_cifar10") {
        CHECK_FALSE(key.starts_with("ema."));
        CHECK(key != "target.layers");
      }
    }
  }
  CHECK(sample_tokens(test::recipe_config("mae_image_cifar10")).plan.visible == 16);
  CHECK(sample_tokens(test::recipe_config("data2vec1_image_cifar10")).plan.masked == 39);
}
