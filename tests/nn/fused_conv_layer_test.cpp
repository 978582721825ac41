#include "d2v/nn/fused_conv_layer.h"

#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/conv_1d.h"
#include "d2v/nn/rows.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;

namespace {

// The layer as its header says it, operation by operation.
at::Tensor plain_layer(const FusedConvLayer& layer, const at::Tensor& x, const at::Tensor& rows) {
  at::Tensor y = convolve(x, layer.weight, layer.bias, layer.stride, layer.before, /*groups=*/1);
  if (layer.before > 0) y = y.slice(1, 0, x.size(1));
  y = at::gelu(layer_norm(y, layer.norm, 1e-5));
  if (layer.residual && x.size(2) == y.size(2)) y = y + x;
  return rows.defined() ? take_rows(y, rows) : y;
}

// Output, then the gradients of x and of every parameter.
template <class Layer>
std::vector<at::Tensor> layer_results(const FusedConvLayer& layer, const at::Tensor& x,
                                      const at::Tensor& rows, Layer&& run) {
  const at::Tensor out = run(layer, x, rows);
  std::vector<at::Tensor> result{out.detach()};
  std::vector<at::Tensor> leaves{x, layer.weight};
  for (const at::Tensor& t : {layer.bias, layer.norm.weight, layer.norm.bias})
    if (t.defined()) leaves.push_back(t);
  for (at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor{};
  const at::Tensor direction = at::arange(out.numel(), out.options()).sin().view(out.sizes());
  (out * direction).sum().backward();
  for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad().clone());
  return result;
}

// n of the positions 0 … length - 1 of each row, in order.
at::Tensor some_rows(int64_t sequences, int64_t length, int64_t n) {
  return std::get<0>(std::get<1>(at::rand({sequences, length}).topk(n, 1)).sort(1));
}

}  // namespace

TEST_CASE("a fused layer equals the plain one, output and every gradient, for random shapes") {
  at::manual_seed(6);
  Philox random({6, Stream::test});
  const at::TensorOptions options = at::TensorOptions().dtype(at::kDouble);
  for (int trial = 0; trial < 60; ++trial) {
    FusedConvLayer layer;
    const int64_t kernel = 1 + random.below(9), in = random.below(3) ? 1 + random.below(40) : 1,
                  out = random.below(2) ? in : 2 + random.below(40);
    const bool strided = random.below(2) == 0, some = random.below(2) == 0, affine = random.below(2) == 0;
    layer.stride = strided ? 1 + random.below(5) : 1;
    layer.before = strided ? 0 : kernel / 2;
    layer.residual = !strided && random.below(2) == 0;
    layer.weight = at::randn({std::max<int64_t>(2, out), in, kernel}, options).requires_grad_();
    if (random.below(2)) layer.bias = at::randn({layer.weight.size(0)}, options).requires_grad_();
    if (affine)
      layer.norm = {at::randn({layer.weight.size(0)}, options).requires_grad_(),
                    at::randn({layer.weight.size(0)}, options).requires_grad_()};
    // With padding also sequences shorter than the kernel.
    const int64_t length = (layer.before > 0 ? 1 : kernel) + random.below(40),
                  sequences = 1 + random.below(3),
                  outputs = layer.before > 0 ? length : (length - kernel) / layer.stride + 1;
    const at::Tensor x = at::randn({sequences, length, in}, options).requires_grad_(),
                     rows = some ? some_rows(sequences, outputs, 1 + random.below(outputs)) : at::Tensor();
    INFO("trial ", trial, ": ", sequences, " x ", length, " x ", in, " -> ", out, ", kernel ", kernel,
         ", stride ", layer.stride, ", before ", layer.before, ", residual ", layer.residual, ", affine ",
         affine, ", rows ", some);
    REQUIRE(can_fuse(layer, x));
    const std::vector<at::Tensor> plain = layer_results(layer, x, rows, plain_layer),
                                  fused = layer_results(layer, x, rows, fused_conv_layer);
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      REQUIRE(fused[i].sizes() == plain[i].sizes());
      CHECK(((fused[i] - plain[i]).abs().max() / (plain[i].abs().max() + 1e-9)).item<double>() < 1e-6);
    }
  }
}

TEST_CASE("gradients of a fused layer are those of finite differences: stride, padding, chosen positions") {
  const at::Tensor rows = at::tensor({1, 2, 4, 0, 3, 4}, at::kLong).view({2, 3});
  for (bool some : {false, true}) {
    CAPTURE(some);
    const auto padded = [&](const std::vector<at::Tensor>& in) {
      const FusedConvLayer layer{.weight = in[1], .bias = in[2], .norm = {}, .before = 2, .residual = true};
      return fused_conv_layer(layer, in[0], some ? rows : at::Tensor());
    };
    CHECK(test::gradient_error(padded, {test::random_double({2, 5, 4}), test::random_double({4, 4, 4}),
                                        test::random_double({4})}) < 1e-6);
    const auto strided = [&](const std::vector<at::Tensor>& in) {
      const FusedConvLayer layer{.weight = in[1], .bias = {}, .norm = {in[2], in[3]}, .stride = 2};
      return fused_conv_layer(layer, in[0], some ? rows : at::Tensor());
    };
    CHECK(test::gradient_error(strided, {test::random_double({2, 12, 9}), test::random_double({4, 9, 3}),
                                         test::random_double({4}), test::random_double({4})}) < 1e-6);
  }
}

TEST_CASE("a layer's input that needs no gradient is given none; wrong shapes and bf16 are refused") {
  FusedConvLayer layer;
  layer.weight = at::randn({4, 2, 3}).requires_grad_();
  const at::Tensor x = at::randn({1, 6, 2});
  fused_conv_layer(layer, x, {}).sum().backward();
  CHECK(layer.weight.grad().defined());
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(can_fuse(layer, x.to(at::kBFloat16)));
  CHECK_THROWS(fused_conv_layer(layer, at::randn({1, 2, 2}), {}));
  CHECK_THROWS(fused_conv_layer(layer, at::randn({1, 6, 3}), {}));
}
