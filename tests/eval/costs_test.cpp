#include "d2v/eval/costs.h"

#include <map>

#include "d2v/base/check.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::map<std::string, PartCost> by_name(const Config& config) {
  std::map<std::string, PartCost> out;
  for (const PartCost& part : sample_costs(config)) out[part.part] = part;
  return out;
}

}  // namespace

TEST_CASE("ViT-B on 224 pixels has the 17.6 billion multiply-adds that its literature counts") {
  const auto parts = by_name(Config());
  const double teacher = parts.at("teacher").forward + parts.at("teacher's local encoder").forward;
  CHECK(teacher / 2 == doctest::Approx(17.56e9).epsilon(1e-3));
}

TEST_CASE("a small model's operations are those counted by hand") {
  // 16 patches of 48 values, width 32, feed-forward 128, 1 + 3 blocks; 2 clones of 6 visible patches and a CLS token.
  const Config config = test::tiny_config();
  const SampleTokens tokens = sample_tokens(config);
  CHECK(tokens.student == 7);
  CHECK(tokens.teacher == 17);
  const auto parts = by_name(config);
  CHECK(parts.at("local encoder").forward == 2.0 * 16 * 48 * 32);
  const auto blocks = [](double rows) {  // qkv, projection, feed-forward; logits and mixing
    return 4 * (2 * rows * (3 + 1 + 4 + 4) * 32 * 32 + 2 * 2 * rows * rows * 32);
  };
  CHECK(parts.at("student").forward == 2 * blocks(7));
  CHECK(parts.at("teacher").forward == blocks(17));
  // Two layers of 3×3 with 16 groups at every patch, a projection at the 10 hidden ones.
  CHECK(parts.at("decoder").forward == 2 * (2 * (2.0 * 16 * 32 * 9 * 2) + 2.0 * 10 * 32 * 32));
  CHECK(training_flops(parts.at("student")) == 6 * blocks(7));
  CHECK(training_flops(parts.at("teacher")) == blocks(17));
  CHECK(parts.at("teacher").kept == 0);
  CHECK(parts.at("student").kept == 4 * 2 * 7 * (7 * 32 + 128));
}

TEST_CASE(
    "what the reference would compute and what is computed differ by skipped rows and repeated logits") {
  const auto parts = by_name(test::tiny_config());
  // 2 clones; the projection at the 6 visible of 16 patches is left out, forward and backward.
  const PartCost& decoder = parts.at("decoder");
  CHECK(decoder.skipped == 2 * (2.0 * 6 * 32 * 32));
  CHECK(nominal_flops(decoder) == 3 * (decoder.forward + decoder.skipped));
  CHECK(executed_flops(decoder) == training_flops(decoder));
  // 2 clones, 4 blocks, 7 tokens: the logits once more.
  const PartCost& student = parts.at("student");
  CHECK(student.recomputed == 2 * 4 * (2.0 * 7 * 7 * 32));
  CHECK(nominal_flops(student) == training_flops(student));
  CHECK(executed_flops(student) == training_flops(student) + student.recomputed);
  // The teacher has no backward pass that could do anything twice.
  CHECK(executed_flops(parts.at("teacher")) == nominal_flops(parts.at("teacher")));

  Config kept = test::tiny_config();
  kept.model.attention_dropout = 0.1;
  CHECK(by_name(kept).at("student").recomputed == 0);
}

TEST_CASE("the last layer of text's decoder is counted where the loss looks, with the rest as skipped") {
  Config config;
  config.model.modality = Modality::text;
  config.model.dim = 32;
  config.model.heads = 2;
  config.text.block = 20;
  config.mask.kind = MaskKind::random;
  config.mask.prob = 0.5;
  config.mask.clones = 1;
  config.decoder.dim = 16;
  config.decoder.groups = 1;
  config.decoder.layers = 2;
  const SampleTokens tokens = sample_tokens(config);
  const double positions = 20, masked = static_cast<double>(tokens.plan.masked);
  const PartCost decoder = by_name(config).at("decoder");
  CHECK(decoder.forward == 2 * (positions * 16 * 3 * 32 + masked * 16 * 3 * 16 + masked * 16 * 32));
  CHECK(decoder.skipped == 2 * (positions - masked) * (16 * 3 * 16 + 16 * 32));
  config.decoder.groups = 2;
  CHECK(by_name(config).at("decoder").skipped == 2 * (positions - masked) * 16 * 32);
}

TEST_CASE("what the teacher shares with the student is counted once") {
  Config config = test::tiny_config();
  CHECK(by_name(config).contains("teacher's local encoder"));
  config.ema.local_encoder = false;
  CHECK_FALSE(by_name(config).contains("teacher's local encoder"));
}

TEST_CASE("dropout on the softmax keeps it, which grows with the square of the length") {
  Config config = test::tiny_config();
  const double plain = by_name(config).at("student").kept;
  config.model.attention_dropout = 0.1;
  CHECK(by_name(config).at("student").kept == plain + 4 * 2 * 7 * (3 * 32 + 128 + 4 * 7));
}

TEST_CASE("MAE has no teacher, data2vec 1 shows its student every position") {
  Config config = test::tiny_config();
  config.mask.kind = MaskKind::random;
  config.mask.block = 1;
  config.mask.clones = 1;
  config.model.prenet_depth = 0;
  config.model.objective = ObjectiveKind::mae;
  CHECK(sample_tokens(config).teacher == 0);
  CHECK_FALSE(by_name(config).contains("teacher"));
  config.model.objective = ObjectiveKind::data2vec1;
  CHECK(sample_tokens(config).student == 17);
  const auto parts = by_name(config);
  CHECK(parts.at("student").forward == parts.at("teacher").forward);
  CHECK_FALSE(parts.contains("head"));
  config.data2vec1.image_head = true;
  CHECK(by_name(config).at("head").forward == 2.0 * 10 * 32 * 32);
}

TEST_CASE("speech is counted for its longest sample, and batches in seconds") {
  Config config;
  config.model.modality = Modality::speech;
  config.model.extra_tokens = 0;
  config.mask.kind = MaskKind::block;
  config.mask.prob = 0.5;
  config.mask.block = 5;
  config.mask.clones = 8;
  config.ema.local_encoder = false;
  config.speech.batch_seconds = 500;
  const SampleTokens tokens = sample_tokens(config);
  CHECK(tokens.inputs == 320000);
  CHECK(tokens.plan.grid.positions() == 999);
  CHECK(samples_per_update(config) == 25);
  const auto parts = by_name(config);
  // Five convolutions of kernel 19 and 16 groups, for each clone and for the teacher.
  CHECK(parts.at("teacher's positions").forward == doctest::Approx(5 * 2.0 * 999 * 768 * 19 * 768 / 16));
  CHECK(parts.at("positions").forward == doctest::Approx(8 * parts.at("teacher's positions").forward));
  config.speech.max_seconds = 0.01;
  CHECK_THROWS_WITH_AS(sample_costs(config), doctest::Contains("shorter than one frame"), UsageError);
}

TEST_CASE("spectrograms are counted on their rectangle of patches") {
  Config config;
  config.model.modality = Modality::spectrogram;
  config.mask.block = 5;
  const SampleTokens tokens = sample_tokens(config);
  CHECK(tokens.inputs == 1024);
  CHECK(tokens.plan.grid.rows == 64);
  CHECK(tokens.plan.grid.columns == 8);
  CHECK(tokens.plan.visible == 102);
  CHECK(tokens.student == 103);
  CHECK(tokens.teacher == 513);
  CHECK(samples_per_update(config) == config.data.batch);
  const auto parts = by_name(config);
  CHECK(parts.at("local encoder").forward == 2.0 * 512 * 256 * 768);
  // Six layers of 3×3 with 16 groups at every patch, a projection at the 410 hidden ones.
  CHECK(parts.at("decoder").forward ==
        doctest::Approx(16 * (6 * 2.0 * 512 * 768 * 9 * 48 + 2.0 * 410 * 768 * 768)));
  CHECK_FALSE(parts.contains("positions"));
}
