#include "d2v/nn/conv_features.h"

#include "d2v/base/check.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

TEST_CASE("the extractor equals the reference, also where eps decides: frames and all gradients") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const std::vector<ConvLayer> layers = parse_conv_layers("16:10:5, 16:3:2 x2, 16:2:2");
  for (const char* name : {"extractor", "extractor_tiny"}) {
    CAPTURE(name);
    const GoldenUnit unit(name);
    const at::Tensor x = unit.input("x");
    const ConvFeatureWeights weights = conv_feature_weights(unit.weights().below("conv_layers."), layers);
    const at::Tensor out = conv_features(weights, layers, x).transpose(1, 2);
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
    unit.backward({{"out", out}});
    CHECK(unit.gradient_error() < 2e-5);
  }
}

TEST_CASE("the published extractor leaves as many frames as the reference") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const GoldenUnit unit("frames_published");
  const std::vector<ConvLayer> layers = parse_conv_layers("512:10:5, 512:3:2 x4, 512:2:2 x2");
  const at::Tensor samples = unit.recorded("input.samples"), frames = unit.recorded("output.frames");
  REQUIRE(samples.size(0) == 13);
  for (int64_t i = 0; i < samples.size(0); ++i)
    CHECK(conv_frames(layers, samples[i].item<int64_t>()) == frames[i].item<int64_t>());
}

TEST_CASE("frames do not change when a recording is followed by padding") {
  const std::vector<ConvLayer> layers = parse_conv_layers("4:10:5, 4:3:2");
  std::vector<Parameter> declared;
  declare_conv_features(declared, "", layers, TeacherRule::absent);
  const ParameterLayout layout(declared);
  WeightArenas arenas;
  arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
  initialise(layout, arenas.full, 1);
  const ConvFeatureWeights weights = conv_feature_weights(Weights(layout, arenas), layers);
  const at::Tensor x = at::randn({1, 203});
  const at::Tensor alone = conv_features(weights, layers, x);
  const at::Tensor padded = conv_features(weights, layers, at::constant_pad_nd(x, {0, 100}, 0));
  CHECK(alone.size(1) == conv_frames(layers, 203));
  CHECK(at::allclose(padded.slice(1, 0, alone.size(1)), alone, 1e-5, 1e-6));
  CHECK_THROWS_AS(conv_features(weights, layers, at::zeros({1, 19})), DataError);
}
