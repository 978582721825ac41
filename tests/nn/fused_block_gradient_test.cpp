#include <cmath>

#include "block_case.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/fused_block.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;

TEST_CASE("every gradient of the tile-wise block is the slope that central differences measure") {
  at::manual_seed(18);
  for (const bool pre_norm : {false, true}) {
    for (const int64_t rows : {2, 5}) {  // few rows: step by step over all threads; many: tile by tile
      CAPTURE(pre_norm);
      CAPTURE(rows);
      BlockCase c = make_block_case({rows, 7, 12, 3}, true, at::kDouble);
      c.config.layer_norm_first = pre_norm;
      add_alibi(c, rows, 3);
      add_drops(c);
      const std::vector<at::Tensor> gradients = output_and_gradients(c, true), leaves = c.leaves();
      const auto loss = [&] { return (c.forward(true).output * c.direction).sum().item<double>(); };
      for (size_t i = 0; i < leaves.size(); ++i) {
        CAPTURE(i);
        const double step = 1e-5;
        const at::Tensor along = at::randn_like(leaves[i]).detach();
        const auto move = [&](double by) {
          const at::NoGradGuard no_grad;
          leaves[i].add_(along, by);
        };
        move(step);
        const double above = loss();
        move(-2 * step);
        const double below = loss();
        move(step);
        const double slope = (above - below) / (2 * step),
                     expected = (gradients[i + 1] * along).sum().item<double>();
        CHECK(std::abs(slope - expected) < 1e-5 * (1 + std::abs(expected)));
      }
    }
  }
}

TEST_CASE("in fp32 the tile-wise block is as close to the double result as the plain one") {
  for (const bool pre_norm : {false, true}) {
    CAPTURE(pre_norm);
    at::manual_seed(6);
    BlockCase single = make_block_case({16, 21, 96, 3}, true, at::kFloat);
    single.config.layer_norm_first = pre_norm;
    add_alibi(single, 16, 3);
    add_drops(single);
    BlockCase exact = single;
    const auto to_double = [](at::Tensor& t) { t = t.detach().to(at::kDouble).requires_grad_(); };
    BlockWeights& w = exact.weights;
    for (at::Tensor* t :
         {&w.attention.qkv_weight, &w.attention.qkv_bias, &w.attention.proj_weight, &w.attention.proj_bias,
          &w.norm1.weight, &w.norm1.bias, &w.norm2.weight, &w.norm2.bias, &w.fc1_weight, &w.fc1_bias,
          &w.fc2_weight, &w.fc2_bias, &exact.x, &exact.bias.factor})
      to_double(*t);
    exact.bias.alibi = single.bias.alibi.to(at::kDouble);
    exact.direction = single.direction.to(at::kDouble);
    const std::vector<at::Tensor> truth = output_and_gradients(exact, false),
                                  plain = output_and_gradients(single, false),
                                  fused = output_and_gradients(single, true);
    for (size_t i = 0; i < truth.size(); ++i) {
      CAPTURE(i);
      CHECK(relative_error(fused[i].to(at::kDouble), truth[i]) <
            2 * relative_error(plain[i].to(at::kDouble), truth[i]) + 1e-6);
    }
  }
}
