#include "d2v/decoders/fused_conv_decoder.h"

#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Output, then the gradients of x and of every weight and bias.
std::vector<at::Tensor> run(const ConvDecoderWeights& weights, const DecoderConfig& config,
                            const at::Tensor& x, int64_t height, int64_t width, const at::Tensor& direction,
                            bool fused) {
  const at::Tensor out = fused ? fused_conv_layers(weights, config, x, height, width)
                               : plain_conv_layers(weights, config, x, height, width);
  std::vector<at::Tensor> leaves{x}, result{out.detach()};
  leaves.insert(leaves.end(), weights.conv_weight.begin(), weights.conv_weight.end());
  leaves.insert(leaves.end(), weights.conv_bias.begin(), weights.conv_bias.end());
  for (at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor{};
  (out * direction).sum().backward();
  for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad().clone());
  return result;
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

}  // namespace

TEST_CASE("the image-wise decoder equals the plain one, output and every gradient, for random shapes") {
  at::manual_seed(3);
  Philox random({3, Stream::test});
  for (int trial = 0; trial < 30; ++trial) {
    DecoderConfig config;
    config.groups = 1 + random.below(4);
    config.dim = config.groups * (2 + random.below(20));
    config.kernel = 1 + random.below(5);
    config.layers = 1 + random.below(4);
    config.residual = random.below(4) > 0;
    const int64_t width = random.below(2) ? config.dim : config.groups * (1 + random.below(20));
    const int64_t rows = 1 + random.below(9), columns = 1 + random.below(9), views = 1 + random.below(5);
    INFO("groups ", config.groups, ", D ", width, ", C ", config.dim, ", kernel ", config.kernel, ", layers ",
         config.layers, ", residual ", config.residual, ", ", rows, " x ", columns, ", views ", views);
    const at::TensorOptions options = at::TensorOptions().dtype(at::kDouble);
    ConvDecoderWeights weights;
    for (int64_t i = 0; i < config.layers; ++i) {
      const int64_t in = (i == 0 ? width : config.dim) / config.groups;
      weights.conv_weight.push_back(
          at::randn({config.dim, in, config.kernel, config.kernel}, options).requires_grad_());
      weights.conv_bias.push_back(at::randn({config.dim}, options).requires_grad_());
    }
    const at::Tensor x = at::randn({views, rows * columns, width}, options).requires_grad_();
    const at::Tensor direction = at::randn({views, rows * columns, config.dim}, options);
    const std::vector<at::Tensor> plain = run(weights, config, x, rows, columns, direction, false);
    const std::vector<at::Tensor> fused = run(weights, config, x, rows, columns, direction, true);
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      CHECK(relative_error(fused[i], plain[i]) < 1e-6);
    }
  }
}

TEST_CASE("an input that needs no gradient is not given one") {
  DecoderConfig config;
  config.dim = 8;
  config.groups = 2;
  config.layers = 1;
  ConvDecoderWeights weights{
      {at::randn({8, 4, 3, 3}).requires_grad_()}, {at::randn({8}).requires_grad_()}, {}, {}};
  const at::Tensor x = at::randn({2, 9, 8});
  fused_conv_layers(weights, config, x, 3, 3).sum().backward();
  CHECK(weights.conv_weight[0].grad().defined());
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("wide groups, bf16 and deep stacks are left to the libraries") {
  DecoderConfig config;
  config.dim = 130;
  config.groups = 2;
  const ConvDecoderWeights weights{{at::zeros({130, 65, 3, 3})}, {at::zeros({130})}, {}, {}};
  CHECK_FALSE(can_fuse(weights, config, at::zeros({1, 4, 130})));
  config.groups = 13;
  CHECK(can_fuse(weights, config, at::zeros({1, 4, 130})));
  CHECK_FALSE(can_fuse(weights, config, at::zeros({1, 4, 130}, at::kBFloat16)));
}
