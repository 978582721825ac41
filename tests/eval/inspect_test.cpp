#include "d2v/eval/inspect.h"

#include <fstream>
#include <set>
#include <sstream>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/model/objective.h"
#include "recipe_file.h"
#include "test_data.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

// 88383744 as the table writes it: "88,383,744".
std::string grouped(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

struct Printed {
  std::set<std::string> names;
  std::string totals;  // the last line
};

Printed printed(const std::string& recipe) {
  const Config config = test::recipe_config(recipe);
  std::istringstream lines(parameter_table(objective_layout(config), config));
  Printed out;
  std::string line;
  std::getline(lines, line);  // the header
  while (std::getline(lines, line) && !line.empty()) out.names.insert(line.substr(0, line.find(' ')));
  std::getline(lines, out.totals);
  return out;
}

}  // namespace

TEST_CASE("printed names and totals of the recorded models are the reference's (golden/init.json)") {
  D2V_NEED_TEST_DATA("golden/init.json");
  std::ifstream in(test::test_data() / "golden/init.json");
  const nlohmann::json recorded = nlohmann::json::parse(in);
  for (const auto& [name, recipe] : {std::pair{"image_base", "image_base"},
                                     {"audio_base", "speech_base"},
                                     {"text_base", "text_base"},
                                     {"mae_base", "mae_image_base"}}) {
    CAPTURE(recipe);
    const nlohmann::json& want = recorded.at(name);
    const Printed found = printed(recipe);
    std::set<std::string> names;
    for (const nlohmann::json& parameter : want.at("parameters")) names.insert(parameter.at("name"));
    CHECK(found.names == names);
    const std::string totals = fmt::format(
        "{} parameters, {} elements; trained {}, teacher {} (averaged ", want.at("parameters").size(),
        grouped(want.at("total")), grouped(want.at("trainable")), grouped(want.value("teacher", int64_t{0})));
    CHECK_MESSAGE(found.totals.starts_with(totals), found.totals);
  }
}

TEST_CASE("the teacher's elements are those that it averages and those that it copies") {
  // ViT-B copies its fixed positions: 196 of 768.
  CHECK(printed("image_base").totals.find("teacher 85,797,888 (averaged 85,647,360, copied 150,528)") !=
        std::string::npos);
}

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
