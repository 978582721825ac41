#include "d2v/nn/fused_block.h"

#include <array>

#include <ATen/Parallel.h>

#include "block_case.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;

namespace {

void check_equal_to_plain(const BlockCase& c) {
  const std::vector<at::Tensor> plain = output_and_gradients(c, false), fused = output_and_gradients(c, true);
  for (size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(i);  // 0: output, 1: gradient of x, then those of BlockCase::leaves
    // The key part of the qkv bias has gradient 0 but for rounding: compared against the whole bias.
    CHECK(relative_error(fused[i], plain[i]) < 2e-7);
  }
}

#define D2V_INFO_SIZE(size) \
  INFO("R ", size.rows, ", N ", size.length, ", D ", size.dim, ", H ", size.heads, ", MLP ratio ", size.ratio)

}  // namespace

TEST_CASE("the tile-wise block equals the plain one, output and every gradient, for random shapes") {
  at::manual_seed(5);
  Philox random({5, Stream::test});
  for (int trial = 0; trial < 32; ++trial) {
    const BlockSize size = random_block_size(random);
    const bool affine = random.below(2) == 1, pre_norm = random.below(2) == 1;
    const int64_t bias_rows = std::array<int64_t, 3>{0, 1, size.rows}[random.below(3)];
    D2V_INFO_SIZE(size);
    INFO("affine ", affine, ", pre-norm ", pre_norm, ", rows of the bias ", bias_rows);
    BlockCase c = make_block_case(size, affine, at::kDouble);
    c.config.layer_norm_first = pre_norm;
    if (bias_rows > 0) c.bias = at::randn({bias_rows, size.heads, size.length, size.length}, at::kDouble);
    check_equal_to_plain(c);
  }
}

TEST_CASE("blocks of so many tokens that weights are packed equal the plain one, on one thread and on two") {
  at::manual_seed(6);
  Philox random({6, Stream::test});
  const int threads = at::get_num_threads();
  for (int trial = 0; trial < 6; ++trial) {
    BlockSize size = random_block_size(random);
    size.length = 11 + 5 * trial;
    size.rows = 600 / size.length;  // 512 tokens and more
    D2V_INFO_SIZE(size);
    BlockCase c = make_block_case(size, true, trial < 3 ? at::kDouble : at::kFloat);
    c.config.layer_norm_first = trial % 2 == 1;
    if (trial % 3 == 0) add_drops(c);
    at::set_num_threads(1 + trial % 2);
    const double tolerance = trial < 3 ? 2e-7 : 1e-5;
    const std::vector<at::Tensor> plain = output_and_gradients(c, false),
                                  fused = output_and_gradients(c, true);
    for (size_t i = 0; i < plain.size(); ++i) {
      CAPTURE(i);
      CHECK(relative_error(fused[i], plain[i]) < tolerance);
    }
  }
  at::set_num_threads(threads);
}

TEST_CASE(
    "a learned ALiBi scale gets the plain block's gradient, per head and in all, with padded keys too") {
  at::manual_seed(15);
  Philox random({15, Stream::test});
  for (int trial = 0; trial < 16; ++trial) {
    const BlockSize size = random_block_size(random);
    D2V_INFO_SIZE(size);
    BlockCase c = make_block_case(size, true, at::kDouble);
    c.config.layer_norm_first = random.below(2) == 1;
    add_alibi(c, random.below(2) ? 1 : size.rows, random.below(2) ? 1 : size.heads);
    if (random.below(2)) {
      c.bias.fixed = at::zeros({size.rows, 1, 1, size.length}, at::kDouble);
      c.bias.fixed.slice(3, 1 + size.length / 2).fill_(-INFINITY);
    }
    check_equal_to_plain(c);
  }
}

TEST_CASE("the tile-wise block drops the same elements as the plain one, at every place alone and together") {
  at::manual_seed(16);
  Philox random({16, Stream::test});
  for (int trial = 0; trial < 24; ++trial) {
    const BlockSize size = random_block_size(random);
    D2V_INFO_SIZE(size);
    BlockCase c = make_block_case(size, true, at::kDouble);
    c.config.layer_norm_first = trial % 2 == 1;
    if (random.below(2)) add_alibi(c, 1, size.heads);
    add_drops(c, trial < 4 ? nullptr : &random);
    CAPTURE(c.config.attention_dropout);
    CAPTURE(c.config.encoder_dropout);
    CAPTURE(c.config.activation_dropout);
    CAPTURE(c.config.post_mlp_dropout);
    CAPTURE(c.path);
    check_equal_to_plain(c);
  }
}

TEST_CASE("what is dropped depends on the rows' keys and on the block") {
  at::manual_seed(17);
  BlockCase c = make_block_case({4, 9, 16, 2}, true, at::kDouble);
  add_drops(c);
  const at::Tensor first = c.forward(true).output;
  CHECK(at::equal(first, c.forward(true).output));
  ++c.index;
  CHECK_FALSE(at::equal(first, c.forward(true).output));
  --c.index;
  for (RngKey& key : c.keys) ++key.step;
  CHECK_FALSE(at::equal(first, c.forward(true).output));
}

TEST_CASE("without gradients the tile-wise block also gives the feed-forward output") {
  at::manual_seed(7);
  const at::NoGradGuard no_grad;
  for (const bool pre_norm : {false, true}) {
    for (const int64_t rows : {1, 9}) {
      BlockCase c = make_block_case({rows, 17, 24, 2}, true, at::kFloat);
      c.config.layer_norm_first = pre_norm;
      add_alibi(c, 1, 2);
      const BlockOutput plain = c.forward(false), fused = c.forward(true);
      CHECK(relative_error(fused.output, plain.output) < 2e-6);
      CHECK(relative_error(fused.ffn, plain.ffn) < 2e-6);
    }
  }
}

TEST_CASE("padded keys, at minus infinity for all queries of a row, get no weight") {
  at::manual_seed(9);
  BlockCase c = make_block_case({3, 12, 16, 2}, true, at::kDouble);
  c.bias = at::zeros({3, 1, 1, 12}, at::kDouble);
  c.bias.fixed.slice(3, 7).fill_(-INFINITY);
  check_equal_to_plain(c);
}

TEST_CASE("results do not depend on how often they are computed") {
  at::manual_seed(8);
  BlockCase c = make_block_case({9, 33, 32, 4}, true, at::kFloat);
  add_drops(c);
  const std::vector<at::Tensor> first = output_and_gradients(c, true), second = output_and_gradients(c, true);
  for (size_t i = 0; i < first.size(); ++i) CHECK(at::equal(first[i], second[i]));
}

TEST_CASE("pre-norm, dropout and a learned scale are covered; what is not is refused by can_fuse") {
  BlockCase c = make_block_case({2, 5, 8, 2}, true, at::kFloat);
  add_drops(c);
  add_alibi(c, 1, 2);
  c.config.layer_norm_first = true;
  CHECK(can_fuse(c.config, c.x, c.bias, c.path, c.keys));
  CHECK_FALSE(can_fuse(c.config, c.x.to(at::kBFloat16), {}, 0, {}));
  CHECK_FALSE(can_fuse(c.config, c.x, at::zeros({1, 2, 5, 5}).requires_grad_(), 0, {}));
  const at::NoGradGuard no_grad;  // the feed-forward output before dropout is not at hand
  CHECK(can_fuse(c.config, c.x, c.bias, c.path, {}));
  CHECK_FALSE(can_fuse(c.config, c.x, c.bias, c.path, c.keys));
}
