#include "d2v/model/text_encoder.h"

#include "d2v/base/check.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

TEST_CASE("positions count from the padding token + 1 and skip padding, as in the reference") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const GoldenUnit unit("token_positions");
  CHECK(at::equal(token_positions(unit.input("tokens")), unit.recorded("output.positions")));
}

TEST_CASE("padding rows start at 0 and get no gradient") {
  TextConfig config;
  config.vocabulary_size = 12;
  config.block = config.max_positions = 8;
  std::vector<Parameter> declared;
  declare_text_encoder(declared, "", config, 4, TeacherRule::absent);
  const ParameterLayout layout(declared);
  WeightArenas arenas;
  arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
  arenas.full_gradient = arenas.low_gradient = make_arena(layout.size(), at::kFloat);
  initialise(layout, arenas.full, 1);
  zero_padding_rows(layout, arenas.full, "");
  const TextWeights weights = text_weights(Weights(layout, arenas));
  CHECK(weights.tokens[1].abs().sum().item<float>() == 0);
  CHECK(weights.positions.size(0) == 10);

  const at::Tensor tokens = at::tensor({0, 5, 1, 0, 7, 9}, at::kLong).view({2, 3});
  text_features(weights, tokens).pow(3).sum().backward();
  const at::Tensor gradient = view_of(arenas.full_gradient, layout.at("embed_tokens.weight"));
  CHECK(gradient[1].abs().sum().item<float>() == 0);
  CHECK(gradient[5].abs().sum().item<float>() > 0);
  CHECK(view_of(arenas.full_gradient, layout.at("embed_positions.weight"))[1].abs().sum().item<float>() == 0);

  CHECK_THROWS_WITH_AS(text_features(weights, at::full({1, 3}, 12, at::kLong)),
                       doctest::Contains("vocabulary of 12"), DataError);
  CHECK_THROWS_WITH_AS(text_features(weights, at::zeros({1, 9}, at::kLong)),
                       doctest::Contains("max_positions"), DataError);
}

TEST_CASE("an unknown vocabulary, blocks longer than the position table and cutting are refused") {
  std::vector<Parameter> out;
  TextConfig config;
  CHECK_THROWS_AS(declare_text_encoder(out, "", config, 4, TeacherRule::absent), UsageError);
  config.vocabulary_size = 10;
  config.max_positions = config.block - 1;
  CHECK_THROWS_AS(declare_text_encoder(out, "", config, 4, TeacherRule::absent), UsageError);
  config.max_positions = config.block;
  config.padding = Padding::crop;
  CHECK_THROWS_WITH_AS(declare_text_encoder(out, "", config, 4, TeacherRule::absent),
                       doctest::Contains("text.padding = crop"), UsageError);
}
