#include "d2v/decoders/conv_decoder_1d.h"

#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/padding.h"
#include "d2v/nn/rows.h"
#include "golden_unit.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {

struct Variant {
  const char* name;
  int64_t dim, groups, kernel, layers;
  bool residual;
  int64_t projections;
};

DecoderConfig config_of(const Variant& v) {
  DecoderConfig config;
  config.dim = v.dim;
  config.groups = v.groups;
  config.kernel = v.kernel;
  config.layers = v.layers;
  config.residual = v.residual;
  config.projection_layers = v.projections;
  config.projection_ratio = 1.5;
  return config;
}

const std::vector<Variant> variants{
    {"decoder1d_odd", 12, 4, 3, 2, true, 1},           {"decoder1d_even", 12, 2, 4, 2, false, 1},
    {"decoder1d_even_residual", 12, 1, 6, 2, true, 1}, {"decoder1d_other_width", 8, 4, 7, 3, true, 1},
    {"decoder1d_projection", 8, 1, 9, 2, false, 3},    {"decoder1d_tiny", 12, 2, 3, 2, false, 1}};

at::Tensor decode(const ConvDecoderWeights& weights, const DecoderConfig& config, const at::Tensor& x,
                  const at::Tensor& valid = {}) {
  return conv_decoder_projection(weights, conv_decoder_layers_1d(weights, config, x, valid));
}

}  // namespace

TEST_CASE("1-D decoders equal the reference: kernels, widths, residual, several projection layers") {
  D2V_NEED_TEST_DATA("golden/blocks");
  for (const Variant& v : variants) {
    CAPTURE(v.name);
    const GoldenUnit unit(v.name);
    const DecoderConfig config = config_of(v);
    const at::Tensor x = unit.input("x");
    const at::Tensor out = decode(conv_decoder_weights(unit.weights(), config), config, x);
    CHECK(GoldenUnit::error(out, unit.recorded("output.out")) < 5e-6);
    unit.backward({{"out", out}});
    CHECK(unit.gradient_error() < 2e-5);
    CHECK(GoldenUnit::error(x.grad(), unit.recorded("grad_input.x")) < 2e-5);
  }
}

TEST_CASE("gradients of every 1-D variant are those of finite differences, in double") {
  for (Variant v : variants) {
    CAPTURE(v.name);
    v.layers = 2;
    const DecoderConfig config = config_of(v);
    std::vector<Parameter> declared;
    declare_conv_decoder(declared, "", config, {4, 1});
    if (4 % v.groups != 0) continue;
    std::vector<at::Tensor> inputs{test::random_double({2, 5, 4})};
    for (const Parameter& p : declared) inputs.push_back(test::random_double(p.shape));
    const auto run = [&](const std::vector<at::Tensor>& in) {
      ConvDecoderWeights weights;
      size_t next = 1;
      for (int64_t i = 0; i < config.layers; ++i) {
        weights.conv_weight.push_back(in[next++]);
        weights.conv_bias.push_back(in[next++]);
      }
      for (int64_t i = 0; i < config.projection_layers; ++i) {
        weights.proj_weight.push_back(in[next++]);
        weights.proj_bias.push_back(in[next++]);
      }
      return decode(weights, config, in[0], valid_positions(at::tensor({5, 3}, at::kLong), 5));
    };
    CHECK(test::gradient_error(run, inputs) < 1e-5);
  }
}

TEST_CASE(
    "the layers in use equal the plain ones at the positions read, with every gradient, for random shapes") {
  at::manual_seed(7);
  Philox random({7, Stream::test});
  const at::TensorOptions options = at::TensorOptions().dtype(at::kDouble);
  for (int trial = 0; trial < 40; ++trial) {
    DecoderConfig config;
    config.groups = random.below(2) ? 1 : 2 + random.below(3);
    config.dim = config.groups * (2 + random.below(20));
    config.kernel = 1 + random.below(9);
    config.layers = 1 + random.below(4);
    config.residual = random.below(2) == 0;
    const int64_t width = random.below(2) ? config.dim : config.groups * (1 + random.below(20)),
                  length = 1 + random.below(30), views = 2 + random.below(4),
                  wanted = random.below(3) ? 1 + random.below(length) : 0;
    ConvDecoderWeights weights;
    std::vector<at::Tensor> leaves;
    for (int64_t i = 0; i < config.layers; ++i) {
      const int64_t in = (i == 0 ? width : config.dim) / config.groups;
      weights.conv_weight.push_back(at::randn({config.dim, in, config.kernel}, options).requires_grad_());
      weights.conv_bias.push_back(at::randn({config.dim}, options).requires_grad_());
      leaves.insert(leaves.end(), {weights.conv_weight.back(), weights.conv_bias.back()});
    }
    const at::Tensor x = at::randn({views, length, width}, options).requires_grad_();
    leaves.push_back(x);
    const at::Tensor valid = random.below(2)
                                 ? valid_positions(at::randint(1, length + 1, {views}, at::kLong), length)
                                 : at::Tensor();
    const at::Tensor rows = wanted > 0
                                ? std::get<0>(std::get<1>(at::rand({views, length}).topk(wanted, 1)).sort(1))
                                : at::Tensor();
    INFO("trial ", trial, ": groups ", config.groups, ", D ", width, ", C ", config.dim, ", kernel ",
         config.kernel, ", layers ", config.layers, ", residual ", config.residual, ", ", views, " x ",
         length, ", padded ", valid.defined(), ", positions read ", wanted);

    const at::Tensor everywhere = plain_conv_layers_1d(weights, config, x, valid);
    const at::Tensor plain = rows.defined() ? take_rows(everywhere, rows) : everywhere;
    const at::Tensor used = conv_decoder_layers_1d(weights, config, x, valid, rows);
    REQUIRE(used.sizes() == plain.sizes());
    CHECK((used - plain).abs().max().item<double>() < 1e-6 * plain.abs().max().item<double>());
    const at::Tensor direction = at::randn(plain.sizes(), options);
    const auto gradients = [&](const at::Tensor& out) {
      for (at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor{};
      (out * direction).sum().backward();
      std::vector<at::Tensor> result;
      for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad().clone());
      return result;
    };
    const std::vector<at::Tensor> expected = gradients(plain), found = gradients(used);
    for (size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(i);
      CHECK((found[i] - expected[i]).abs().max().item<double>() <
            1e-6 * (expected[i].abs().max().item<double>() + 1e-9));
    }
  }
}

TEST_CASE("a row's predictions do not depend on what pads it") {
  const DecoderConfig config = config_of({"", 8, 2, 5, 3, true, 1});
  ConvDecoderWeights weights;
  for (int i = 0; i < 3; ++i) {
    weights.conv_weight.push_back(at::randn({8, 4, 5}));
    weights.conv_bias.push_back(at::randn({8}));
  }
  weights.proj_weight = {at::randn({8, 8})};
  weights.proj_bias = {at::randn({8})};
  const at::Tensor x = at::randn({2, 10, 8}), valid = valid_positions(at::tensor({6, 10}, at::kLong), 10);
  const at::Tensor padded = decode(weights, config, x, valid);
  CHECK(at::allclose(padded[0].slice(0, 0, 6), decode(weights, config, x.slice(0, 0, 1).slice(1, 0, 6))[0],
                     1e-4, 1e-4));
}

TEST_CASE("names and shapes of several projection layers are the reference's; text's start as BERT's") {
  DecoderConfig config = config_of({"", 8, 1, 9, 1, false, 2});
  config.projection_ratio = 2;
  std::vector<Parameter> declared;
  declare_conv_decoder(declared, "", config, {12, 1, Init::normal});
  const ParameterLayout layout(declared);
  CHECK(layout.at("blocks.0.0.weight").shape == std::vector<int64_t>{8, 12, 9});
  CHECK(layout.at("proj.0.weight").shape == std::vector<int64_t>{16, 8});
  CHECK(layout.at("proj.2.weight").shape == std::vector<int64_t>{12, 16});
  CHECK(layout.at("proj.0.weight").init == Init::normal);
  CHECK(layout.at("proj.0.bias").init == Init::constant);
}
