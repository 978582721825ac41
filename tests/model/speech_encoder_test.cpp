#include "d2v/model/speech_encoder.h"

#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {

// A small speech encoder with drawn weights.
struct Small {
  SpeechConfig config;
  SpeechNames names{"conv.", "norm", "proj"};
  ParameterLayout layout;
  WeightArenas arenas;
  SpeechWeights weights;

  Small() {
    config.conv_layers = "6:10:5, 6:3:2";
    std::vector<Parameter> declared;
    declare_speech_encoder(declared, names, config, 8, TeacherRule::averaged);
    layout = ParameterLayout(declared);
    arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
    arenas.full_gradient = arenas.low_gradient = make_arena(layout.size(), at::kFloat);
    initialise(layout, arenas.full, 3);
    weights = speech_weights(Weights(layout, arenas), names, config);
  }
  at::Tensor gradient(const char* name) { return view_of(arenas.full_gradient, layout.at(name)).clone(); }
};

}  // namespace

TEST_CASE("the feature projection equals the reference, also where eps decides") {
  D2V_NEED_TEST_DATA("golden/blocks");
  for (const char* name : {"feature_projection", "feature_projection_tiny"}) {
    CAPTURE(name);
    const GoldenUnit unit(name);
    const NormWeights norm = norm_weights(unit.weights(), "1");
    const at::Tensor out = at::linear(layer_norm(unit.input("x").transpose(1, 2), norm, 1e-5),
                                      unit.weights()["2.weight"], unit.weights()["2.bias"]);
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
  }
}

TEST_CASE("the factor on the gradient reaches the convolutions, not the projection") {
  Small model;
  const at::Tensor x = at::randn({2, 120});
  speech_features(model.weights, x, 1).square().sum().backward();
  const at::Tensor conv = model.gradient("conv.0.0.weight"), proj = model.gradient("proj.weight");
  model.arenas.full_gradient.zero_();
  speech_features(model.weights, x, 0.25).square().sum().backward();
  CHECK(at::allclose(model.gradient("conv.0.0.weight"), 0.25 * conv, 1e-4, 1e-5));
  CHECK(at::allclose(model.gradient("proj.weight"), proj, 1e-5, 1e-5));
}
