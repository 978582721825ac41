#include "d2v/eval/inspect.h"

#include "d2v/base/check.h"
#include "d2v/model/objective.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("every parameter has a line with its shape and roles, and the totals add up") {
  const Config config = test::tiny_config();
  const auto objective = make_objective(config, Precision::fp32);
  const std::string table = parameter_table(objective->layout(), config);
  for (const Parameter& p : objective->layout().all())
    CHECK_MESSAGE(table.find(p.name) != std::string::npos, p.name);
  const auto line_of = [&](const std::string& name) {
    const size_t at = table.find(name + " ");
    return table.substr(at, table.find('\n', at) - at);
  };
  CHECK(line_of("blocks.0.attn.qkv.weight").find("(96, 32)") != std::string::npos);
  CHECK(line_of("blocks.0.attn.qkv.weight").find("3,072  yes      averaged  yes") != std::string::npos);
  CHECK(line_of("modality_encoders.IMAGE.fixed_positional_encoder.positions").find("no ") !=
        std::string::npos);
  CHECK(line_of("blocks.0.attn.qkv.bias").ends_with("no"));
  Config released = config;
  released.optim.decay_all = true;
  CHECK(parameter_table(objective->layout(), released).find("96  yes      averaged  yes") !=
        std::string::npos);
}

TEST_CASE("tokens are counted as the mask plan counts them") {
  const std::string text =
      token_summary(test::tiny_config());  // 4 × 4 patches, 60 % hidden: floor(16·.4) = 6 stay
  CHECK(text.find("4 x 4 = 16 patches, 1 extra token\n") != std::string::npos);
  CHECK(text.find("teacher: 17 tokens") != std::string::npos);
  CHECK(text.find("student: 7 tokens of each of 2 masked versions (10 of 16") != std::string::npos);
  CHECK(text.find("64 samples: 896 student tokens, 1,280 predicted positions") != std::string::npos);
}

TEST_CASE("masks that hide nothing are an error") {
  Config config = test::tiny_config();
  config.mask.prob = 0;
  CHECK_THROWS_AS(token_summary(config), UsageError);
}

TEST_CASE("operations are listed by part and add up to those of an update and of the run") {
  Config config = test::tiny_config();
  config.run.updates = updates(1000);
  const std::string text = flops_table(config);
  for (const char* part :
       {"local encoder", "student", "decoder", "teacher's local encoder", "teacher", "all"})
    CHECK_MESSAGE(text.find(part) != std::string::npos, part);
  CHECK(text.find("an update: ") != std::string::npos);
  CHECK(text.find("the run of 1000 updates: ") != std::string::npos);
  config.run.updates = epochs(3);  // of how many updates, the data decide
  CHECK(flops_table(config).find("the run") == std::string::npos);
}

TEST_CASE("memory counts a pass of accumulation, not the whole update") {
  Config config = test::tiny_config();
  const ParameterLayout layout = objective_layout(config);
  CHECK(memory_summary(layout, config).find("of a pass of 64 samples") != std::string::npos);
  config.run.accumulate = 4;
  CHECK(memory_summary(layout, config).find("of a pass of 16 samples") != std::string::npos);
}

TEST_CASE("tokens of other modalities and objectives have their own words") {
  Config config = test::tiny_config();
  config.model.modality = Modality::text;
  config.model.extra_tokens = 0;
  config.mask.kind = MaskKind::random;
  config.mask.block = 1;
  config.mask.prob = 0.5;
  const std::string text = token_summary(config);
  CHECK(text.find("a block of 512 tokens, 0 extra tokens\n") != std::string::npos);
  CHECK(text.find("256 of 512 tokens are hidden") != std::string::npos);
  config.model.objective = ObjectiveKind::data2vec1;
  config.mask.clones = 1;
  CHECK(token_summary(config).find("each of 1 masked version (256 of 512 tokens are replaced") !=
        std::string::npos);
}

TEST_CASE("spectrograms are told in frames, mel bins and patches") {
  Config config;
  config.model.modality = Modality::spectrogram;
  const std::string text = token_summary(config);
  CHECK(
      text.find(
          "1024 frames of 10 ms (10.24 s), 128 mel bins / patch 16: 64 x 8 = 512 patches, 1 extra token\n") !=
      std::string::npos);
  CHECK(text.find("410 of 512 patches are hidden") != std::string::npos);
}
