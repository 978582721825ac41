#include "d2v/nn/fused_block.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Case {
  ModelConfig config;
  BlockWeights weights;
  at::Tensor x, bias, direction;

  std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> out{weights.attention.qkv_weight,
                                weights.attention.qkv_bias,
                                weights.attention.proj_weight,
                                weights.attention.proj_bias,
                                weights.fc1_weight,
                                weights.fc1_bias,
                                weights.fc2_weight,
                                weights.fc2_bias};
    if (config.norm_affine)
      for (const NormWeights& norm : {weights.norm1, weights.norm2}) {
        out.push_back(norm.weight);
        out.push_back(norm.bias);
      }
    return out;
  }
};

Case make_case(int64_t rows, int64_t length, int64_t dim, int64_t heads, double ratio, bool affine,
               int64_t bias_rows, at::ScalarType type) {
  const at::TensorOptions options = at::TensorOptions().dtype(type);
  const int64_t hidden = static_cast<int64_t>(ratio * static_cast<double>(dim));
  const auto weight = [&](at::IntArrayRef shape) {
    return (at::randn(shape, options) * 0.2).requires_grad_();
  };
  Case c;
  c.config.dim = dim;
  c.config.heads = heads;
  c.config.norm_affine = affine;
  c.weights.attention = {weight({3 * dim, dim}), weight({3 * dim}), weight({dim, dim}), weight({dim})};
  if (affine) {
    c.weights.norm1 = {weight({dim}), weight({dim})};
    c.weights.norm2 = {weight({dim}), weight({dim})};
  }
  c.weights.fc1_weight = weight({hidden, dim});
  c.weights.fc1_bias = weight({hidden});
  c.weights.fc2_weight = weight({dim, hidden});
  c.weights.fc2_bias = weight({dim});
  c.x = at::randn({rows, length, dim}, options).requires_grad_();
  if (bias_rows > 0) c.bias = at::randn({bias_rows, heads, length, length}, options);
  c.direction = at::randn({rows, length, dim}, options);
  return c;
}

// Output, then the gradients of x and of every parameter.
std::vector<at::Tensor> run(const Case& c, bool fused) {
  const BlockOutput out = fused ? fused_block(c.weights, c.config, c.x, c.bias)
                                : plain_block(c.weights, c.config, c.x, c.bias, 0, {}, 0);
  std::vector<at::Tensor> leaves = c.parameters();
  leaves.insert(leaves.begin(), c.x);
  for (at::Tensor& leaf : leaves) leaf.mutable_grad() = at::Tensor{};
  (out.output * c.direction).sum().backward();
  std::vector<at::Tensor> result{out.output.detach()};
  for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad().clone());
  return result;
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item<double>();
}

}  // namespace

TEST_CASE("the tile-wise block equals the plain one, output and every gradient, for random shapes") {
  at::manual_seed(5);
  Philox random({5, Stream::test});
  for (int trial = 0; trial < 24; ++trial) {
    const int64_t heads = 1 + random.below(4), dim = heads * (3 + random.below(14)),
                  length = 1 + random.below(40), rows = 1 + random.below(12);
    const bool affine = random.below(2) == 1;
    const int64_t bias_rows = std::array<int64_t, 3>{0, 1, rows}[random.below(3)];
    const double ratio = random.below(2) ? 4 : 1.5;
    INFO("R ", rows, ", N ", length, ", D ", dim, ", H ", heads, ", MLP ratio ", ratio, ", affine ", affine,
         ", rows of the bias ", bias_rows);
    const Case c = make_case(rows, length, dim, heads, ratio, affine, bias_rows, at::kDouble);
    const std::vector<at::Tensor> plain = run(c, false), fused = run(c, true);
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      // The key part of the qkv bias has gradient 0 but for rounding: compared against the whole bias.
      CHECK(relative_error(fused[i], plain[i]) < 2e-7);
    }
  }
}

TEST_CASE("in fp32 the tile-wise block is as close to the double result as the plain one") {
  at::manual_seed(6);
  const Case wide = make_case(16, 21, 96, 3, 4, true, 0, at::kFloat);
  Case exact = wide;
  const auto to_double = [](at::Tensor& t) {
    if (t.defined()) t = t.detach().to(at::kDouble).requires_grad_();
  };
  for (at::Tensor* t : {&exact.weights.attention.qkv_weight, &exact.weights.attention.qkv_bias,
                        &exact.weights.attention.proj_weight, &exact.weights.attention.proj_bias,
                        &exact.weights.norm1.weight, &exact.weights.norm1.bias, &exact.weights.norm2.weight,
                        &exact.weights.norm2.bias, &exact.weights.fc1_weight, &exact.weights.fc1_bias,
                        &exact.weights.fc2_weight, &exact.weights.fc2_bias, &exact.x})
    to_double(*t);
  exact.direction = wide.direction.to(at::kDouble);
  const std::vector<at::Tensor> truth = run(exact, false), plain = run(wide, false), fused = run(wide, true);
  for (size_t i = 0; i < truth.size(); ++i) {
    CAPTURE(i);
    CHECK(relative_error(fused[i].to(at::kDouble), truth[i]) <
          2 * relative_error(plain[i].to(at::kDouble), truth[i]) + 1e-6);
  }
}

TEST_CASE("without gradients the tile-wise block also gives the feed-forward output") {
  at::manual_seed(7);
  const at::NoGradGuard no_grad;
  const Case c = make_case(3, 17, 24, 2, 4, true, 1, at::kFloat);
  const BlockOutput plain = plain_block(c.weights, c.config, c.x, c.bias, 0, {}, 0);
  const BlockOutput fused = fused_block(c.weights, c.config, c.x, c.bias);
  CHECK(relative_error(fused.output, plain.output) < 2e-6);
  CHECK(relative_error(fused.ffn, plain.ffn) < 2e-6);
}

TEST_CASE("padded keys, at minus infinity for all queries of a row, get no weight") {
  at::manual_seed(9);
  Case c = make_case(3, 12, 16, 2, 4, true, 0, at::kDouble);
  c.bias = at::zeros({3, 1, 1, 12}, at::kDouble);
  c.bias.slice(3, 7).fill_(-INFINITY);
  const std::vector<at::Tensor> plain = run(c, false), fused = run(c, true);
  for (size_t i = 0; i < plain.size(); ++i) CHECK(relative_error(fused[i], plain[i]) < 2e-7);
}

TEST_CASE("results do not depend on how often they are computed") {
  at::manual_seed(8);
  const Case c = make_case(9, 33, 32, 4, 4, true, 0, at::kFloat);
  const std::vector<at::Tensor> first = run(c, true), second = run(c, true);
  for (size_t i = 0; i < first.size(); ++i) CHECK(at::equal(first[i], second[i]));
}

TEST_CASE("what the tile-wise block does not cover is refused by can_fuse") {
  const Case c = make_case(2, 5, 8, 2, 4, true, 0, at::kFloat);
  const RowKeys keys(2);
  CHECK(can_fuse(c.config, c.x, {}, 0, keys));
  CHECK_FALSE(can_fuse(c.config, c.x.to(at::kBFloat16), {}, 0, keys));
  CHECK_FALSE(can_fuse(c.config, c.x, {}, 0.1, keys));
  CHECK(can_fuse(c.config, c.x, {}, 0.1, {}));
  CHECK_FALSE(can_fuse(c.config, c.x, at::zeros({1, 2, 5, 5}).requires_grad_(), 0, keys));
  ModelConfig dropped = c.config;
  dropped.activation_dropout = 0.1;
  CHECK_FALSE(can_fuse(dropped, c.x, {}, 0, keys));
  ModelConfig pre_norm = c.config;
  pre_norm.layer_norm_first = true;
  CHECK_FALSE(can_fuse(pre_norm, c.x, {}, 0, keys));
}
