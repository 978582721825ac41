#include "d2v/eval/run_conditions.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/recipe.h"
#include "d2v/eval/reference_curve.h"
#include "has.h"
#include "recipe_file.h"

#include "doctest.h"

using namespace d2v;

namespace {

const std::string clip_art = "6541 pictures, a8a7ff3015b8738b";

// Conditions of the defaults with these options.
RunConditions with(std::vector<Override> options, const std::string& data = clip_art) {
  Config config;
  auto table = option_table(config);
  apply_overrides(table, options);
  return run_conditions(config, data);
}

}  // namespace

TEST_CASE("seed, length, threads, paths and what only rounds do not count") {
  const RunConditions curve = with({});
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, const char*>>{{"run.seed", "7"},
                                                        {"run.updates", "77"},
                                                        {"run.dir", "elsewhere"},
                                                        {"run.threads", "3"},
                                                        {"run.precision", "bf16"},
                                                        {"run.accumulate", "2"},
                                                        {"data.path", "elsewhere"},
                                                        {"data.threads", "3"},
                                                        {"checkpoint.every", "7"},
                                                        {"speech.max_seconds", "9"},
                                                        {"mae.decoder_dim", "64"}})
    CHECK_MESSAGE(conditions_differ(curve, with({{key, value}})) == "", key);
}

TEST_CASE("another setting is named with both values, other data with both identities") {
  const RunConditions curve = with({});
  CHECK(conditions_differ(curve, with({{"mask.prob", "0.9"}})) ==
        "other settings: mask.prob = 0.9 (the curve: 0.8)");
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"optim.lr", "0.5"},
                                                                                   {"data.batch", "32"},
                                                                                   {"image.size", "64"},
                                                                                   {"ema.decay", "0.5"},
                                                                                   {"loss.recon", "1"}})
    CHECK_MESSAGE(test::has(conditions_differ(curve, with({{key, value}})), key + " = " + value), key);
  CHECK(test::has(conditions_differ(curve, with({{"init.from", "old"}})), "init.from = given"));
  CHECK(conditions_differ(curve, with({}, "20 pictures, 0123456789abcdef")) ==
        "other data: 20 pictures, 0123456789abcdef (the curve: " + clip_art + ")");
  CHECK(test::has(conditions_differ(curve, with({}, "")), "not known before its first checkpoint"));
}

TEST_CASE("conditions read back as they were written; unnamed settings had their defaults") {
  const RunConditions curve = with(
      {{"model.modality", "speech"}, {"speech.conv_layers", "32:10:5, 32:8:8 x2"}, {"mask.prob", "0.5"}});
  RunConditions again;
  for (const std::string& line : condition_lines(curve)) CHECK(read_condition_line(line, again));
  CHECK(again.data == curve.data);
  CHECK(again.settings == curve.settings);
  CHECK_FALSE(read_condition_line("made by: d2v report", again));
  CHECK_THROWS_AS(read_condition_line("settings mask: prob 0.9", again), DataError);

  RunConditions short_one;
  CHECK(read_condition_line("settings mask: prob = 0.9", short_one));
  CHECK(conditions_differ(short_one, with({{"mask.prob", "0.9"}})) == "");
  CHECK(test::has(conditions_differ(short_one, with({})), "mask.prob = 0.8 (the curve: 0.9)"));
  CHECK(conditions_differ({}, with({})) == "");  // a file of an older version
}

TEST_CASE("the recipe with a curve has the curve's settings, and they hold no path") {
  for (const auto& file : std::filesystem::directory_iterator(test::repo_root() / "recipes" / "reference")) {
    const std::string recipe = file.path().stem();
    CAPTURE(recipe);
    const ReferenceCurve curve = read_reference(file.path());
    CHECK_FALSE(curve.conditions.data.empty());
    CHECK_FALSE(curve.conditions.settings.empty());
    Config config = test::recipe_config(recipe);
    config.data.path = "/some/where";
    CHECK(conditions_differ(curve.conditions, run_conditions(config, curve.conditions.data)) == "");
    for (const auto& [key, value] : curve.conditions.settings) CHECK_MESSAGE(!test::has(value, "/"), key);
    config.mask.prob = 0.9;
    CHECK(test::has(conditions_differ(curve.conditions, run_conditions(config, curve.conditions.data)),
                    "mask.prob = 0.9"));
  }
}
