#include "d2v/nn/rows.h"

#include "d2v/nn/aten.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Shapes {
  int64_t batch, clones, length, kept, dim;
};

// Random increasing index lists of visible and masked positions.
std::pair<at::Tensor, at::Tensor> random_masks(const Shapes& s) {
  const at::Tensor order = at::rand({s.batch, s.clones, s.length}).argsort(-1, false);
  return {std::get<0>(order.slice(2, 0, s.kept).sort(-1)).contiguous(),
          std::get<0>(order.slice(2, s.kept).sort(-1)).contiguous()};
}

at::Tensor plain_gather(const at::Tensor& x, const at::Tensor& index) {
  const at::Tensor rows = x.repeat_interleave(index.size(1), 0);
  return rows.gather(1, index.flatten(0, 1).unsqueeze(-1).expand({-1, -1, x.size(2)}));
}

}  // namespace

TEST_CASE("gathering visible rows equals the plain operation, gradients of clones added up") {
  for (const Shapes& s : {Shapes{1, 1, 4, 1, 3}, Shapes{3, 2, 9, 4, 5}, Shapes{2, 5, 16, 15, 8}}) {
    const auto [visible, masked] = random_masks(s);
    const at::Tensor x = at::randn({s.batch, s.length, s.dim}).requires_grad_(true);
    const at::Tensor y = x.detach().clone().requires_grad_(true);
    const at::Tensor have = gather_visible(x, visible), want = plain_gather(y, visible);
    CHECK(at::equal(have, want));
    const at::Tensor weight = at::randn_like(want);
    (have * weight).sum().backward();
    (want * weight).sum().backward();
    CHECK(at::allclose(x.grad(), y.grad(), 1e-6, 1e-6));
  }
}

TEST_CASE("restoring the order puts rows and noise where the masks say") {
  const Shapes s{2, 3, 10, 4, 6};
  const auto [visible, masked] = random_masks(s);
  const at::Tensor rows = at::randn({6, 4, 6}).requires_grad_(true), noise = at::randn({6, 6, 6});
  const at::Tensor full = restore_order(rows, noise, visible, masked);
  CHECK(at::equal(full.gather(1, visible.flatten(0, 1).unsqueeze(-1).expand({-1, -1, 6})), rows));
  CHECK(at::equal(full.gather(1, masked.flatten(0, 1).unsqueeze(-1).expand({-1, -1, 6})), noise));
  const at::Tensor weight = at::randn_like(full);
  (full * weight).sum().backward();
  CHECK(at::equal(rows.grad(), weight.gather(1, visible.flatten(0, 1).unsqueeze(-1).expand({-1, -1, 6}))));
}

TEST_CASE("rows of a non-contiguous input are gathered by value") {
  const at::Tensor x = at::randn({2, 5, 7}).transpose(1, 2);  // (2, 7, 5)
  const at::Tensor index = at::tensor({0, 3, 6, 1, 2, 5}, at::kLong).view({2, 1, 3});
  CHECK(at::equal(gather_visible(x, index), plain_gather(x.contiguous(), index)));
}

TEST_CASE("bf16 gradients of clones are summed in fp32") {
  const at::Tensor index = at::zeros({1, 256, 1}, at::kLong);
  const at::Tensor x = at::ones({1, 1, 2}, at::kBFloat16).requires_grad_(true);
  gather_visible(x, index).sum().backward();
  CHECK(x.grad()[0][0][0].item<float>() == 256.0f);
}

TEST_CASE("scale_gradient changes gradients only") {
  const at::Tensor x = at::randn({3}).requires_grad_(true);
  const at::Tensor y = scale_gradient(x, 0.25);
  CHECK(at::equal(y, x));
  y.sum().backward();
  CHECK(at::allclose(x.grad(), at::full({3}, 0.25)));
}

TEST_CASE("gradients of moved rows are those of finite differences, in double") {
  const auto [visible, masked] = random_masks({2, 3, 7, 3, 4});
  const at::Tensor x = test::random_double({2, 7, 4}), rows = test::random_double({6, 3, 4}),
                   noise = test::random_double({6, 4, 4}), full = test::random_double({6, 7, 4});
  CHECK(test::gradient_error([&](const auto& in) { return gather_visible(in[0], visible); }, {x}) < 1e-8);
  CHECK(test::gradient_error([&](const auto& in) { return take_rows(in[0], masked); }, {full}) < 1e-8);
  CHECK(test::gradient_error([&](const auto& in) { return restore_order(in[0], noise, visible, masked); },
                             {rows}) < 1e-8);
  CHECK(test::gradient_error([&](const auto& in) { return restore_order(in[0], in[1], visible, masked); },
                             {rows, noise}) < 1e-8);
}
