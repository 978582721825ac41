#include "d2v/decoders/conv_decoder.h"

#include "d2v/base/check.h"
#include "golden_unit.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {

DecoderConfig decoder_config(int64_t dim, int64_t groups, int64_t kernel, bool residual) {
  DecoderConfig config;
  config.dim = dim;
  config.groups = groups;
  config.kernel = kernel;
  config.layers = 2;
  config.residual = residual;
  return config;
}

}  // namespace

TEST_CASE("2-D decoders equal the reference: odd and even kernels, other widths, with and without residual") {
  D2V_NEED_TEST_DATA("golden/blocks");
  struct Unit {
    const char* name;
    int64_t dim, groups, kernel, side;
    bool residual;
  };
  for (const Unit& u :
       {Unit{"decoder2d_odd", 12, 4, 3, 5, true}, Unit{"decoder2d_even", 12, 2, 4, 4, true},
        Unit{"decoder2d_other_width", 8, 4, 5, 4, true}, Unit{"decoder2d_tiny", 12, 2, 3, 4, false}}) {
    CAPTURE(u.name);
    const GoldenUnit unit(u.name);
    const DecoderConfig config = decoder_config(u.dim, u.groups, u.kernel, u.residual);
    const ConvDecoderWeights weights = conv_decoder_weights(unit.weights(), config);
    const at::Tensor x = unit.input("x");
    const at::Tensor out =
        conv_decoder_projection(weights, conv_decoder_layers(weights, config, x, u.side, u.side));
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
    unit.backward({{"out", out}});
    CHECK(unit.gradient_error() < 2e-5);
    CHECK(GoldenUnit::error(x.grad(), unit.recorded("grad_input.x")) < 2e-5);
  }
}

TEST_CASE("the declared parameters have the reference's names, and belong to the student alone") {
  std::vector<Parameter> declared;
  declare_conv_decoder(declared, "decoder.", decoder_config(8, 4, 3, true), {12});
  const ParameterLayout layout(declared);
  CHECK(layout.at("decoder.blocks.0.0.weight").shape == std::vector<int64_t>{8, 3, 3, 3});
  CHECK(layout.at("decoder.blocks.1.0.weight").shape == std::vector<int64_t>{8, 2, 3, 3});
  CHECK(layout.at("decoder.proj.weight").shape == std::vector<int64_t>{12, 8});
  CHECK(layout.at("decoder.proj.weight").decay);
  CHECK_FALSE(layout.at("decoder.blocks.0.0.bias").decay);
  CHECK(layout.teacher_size() == 0);
}

TEST_CASE("widths that the groups do not divide are refused") {
  std::vector<Parameter> declared;
  CHECK_THROWS_AS(declare_conv_decoder(declared, "", decoder_config(10, 4, 3, true), {12}), UsageError);
  CHECK_THROWS_AS(declare_conv_decoder(declared, "", decoder_config(8, 4, 3, true), {14}), UsageError);
  DecoderConfig projections = decoder_config(8, 4, 3, true);
  projections.projection_layers = 2;
  CHECK_THROWS_AS(declare_conv_decoder(declared, "", projections, {12}), UsageError);
}

TEST_CASE("gradients of 2-D decoders are those of finite differences, in double, of another width too") {
  for (const auto& [dim, kernel, groups, residual] :
       {std::tuple{4, 3, 2, true}, {4, 4, 1, true}, {4, 3, 2, false}, {6, 3, 2, true}, {2, 4, 1, true}}) {
    CAPTURE(dim);
    CAPTURE(kernel);
    const DecoderConfig config = decoder_config(dim, groups, kernel, residual);
    const auto decode = [&](const std::vector<at::Tensor>& in) {
      const ConvDecoderWeights weights{{in[1], in[2]}, {in[3], in[4]}, {in[5]}, {in[6]}};
      return conv_decoder_projection(weights, conv_decoder_layers(weights, config, in[0], 3, 3));
    };
    CHECK(test::gradient_error(
              decode, {test::random_double({2, 9, 4}), test::random_double({dim, 4 / groups, kernel, kernel}),
                       test::random_double({dim, dim / groups, kernel, kernel}), test::random_double({dim}),
                       test::random_double({dim}), test::random_double({4, dim}), test::random_double({4})}) <
          1e-5);
  }
}
