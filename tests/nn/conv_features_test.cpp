#include "d2v/nn/conv_features.h"

#include <cmath>

#include <ATen/CPUGeneratorImpl.h>

#include "d2v/base/check.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {

// As an untrained model has them.
ConvFeatureWeights fresh_weights(const std::vector<ConvLayer>& layers) {
  std::vector<Parameter> declared;
  declare_conv_features(declared, "", layers, TeacherRule::absent);
  const ParameterLayout layout(declared);
  WeightArenas arenas;
  arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
  initialise(layout, arenas.full, 1);
  average_taps(layout, arenas.full, "", layers);
  return conv_feature_weights(Weights(layout, arenas), layers);
}

}  // namespace

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

TEST_CASE(
    "layers that start as means: equal taps, sum 0 over input channels, 8 times the deviation; others "
    "untouched") {
  const std::vector<ConvLayer> layers = parse_conv_layers("64:10:5, 96:8:4:mean, 32:3:2");
  std::vector<Parameter> declared;
  declare_conv_features(declared, "x.", layers, TeacherRule::absent);
  const ParameterLayout layout(declared);
  const at::Tensor drawn = make_arena(layout.size(), at::kFloat);
  initialise(layout, drawn, 1);
  const at::Tensor averaged = drawn.clone();
  average_taps(layout, averaged, "x.", layers);
  for (const Parameter& p : layout.all()) {
    CAPTURE(p.name);
    const at::Tensor before = view_of(drawn, p), after = view_of(averaged, p);
    CHECK(at::equal(after, before) == (p.name != "x.1.0.weight"));
  }
  const at::Tensor weight = view_of(averaged, layout.at("x.1.0.weight"));
  CHECK(at::equal(weight, weight.narrow(2, 0, 1).expand_as(weight)));
  CHECK(weight.sum(1).abs().max().item<double>() < 1e-4);
  CHECK(weight.std().item<double>() == doctest::Approx(8 * std::sqrt(2.0 / (64 * 8))).epsilon(0.05));
}

TEST_CASE(
    "frames of a fresh extractor resemble their neighbours where its layers start as means, else they do "
    "not") {
  // Two sounds in turn, each half a second: what a frame may share with its neighbours is which one it is.
  const at::Tensor time = at::arange(64000) / 16000.0;
  const at::Tensor noise = at::randn({64000}, at::make_generator<at::CPUGeneratorImpl>(1));
  const at::Tensor second = (time * 2).floor().remainder(2);
  const at::Tensor hiss = noise.slice(0, 1) - noise.slice(0, 0, 63999);
  const at::Tensor rumble = at::avg_pool1d(noise.view({1, 1, -1}), 8, 1).view(-1).slice(0, 0, 63000);
  const at::Tensor x = at::where(second.slice(0, 0, 63000) > 0, hiss.slice(0, 0, 63000), rumble * 4);
  const auto resemblance = [&](const char* text) {
    const std::vector<ConvLayer> layers = parse_conv_layers(text);
    const at::Tensor z = conv_features(fresh_weights(layers), layers, x.unsqueeze(0))[0];
    const at::Tensor centred = z - z.mean(0, /*keepdim=*/true);
    return ((centred.slice(0, 1) * centred.slice(0, 0, -1)).mean() / centred.square().mean()).item<double>();
  };
  CHECK(resemblance("96:10:5, 96:3:2 x4, 96:2:2 x2") < 0.2);
  CHECK(resemblance("96:10:5, 96:3:2:mean x4, 96:2:2:mean x2") > 0.35);
}

TEST_CASE("frames do not change when a recording is followed by padding") {
  const std::vector<ConvLayer> layers = parse_conv_layers("4:10:5, 4:3:2");
  const ConvFeatureWeights weights = fresh_weights(layers);
  const at::Tensor x = at::randn({1, 203});
  const at::Tensor alone = conv_features(weights, layers, x);
  const at::Tensor padded = conv_features(weights, layers, at::constant_pad_nd(x, {0, 100}, 0));
  CHECK(alone.size(1) == conv_frames(layers, 203));
  CHECK(at::allclose(padded.slice(1, 0, alone.size(1)), alone, 1e-5, 1e-6));
  CHECK_THROWS_AS(conv_features(weights, layers, at::zeros({1, 19})), DataError);
}
