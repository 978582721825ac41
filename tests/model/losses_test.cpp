#include "d2v/model/losses.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "d2v/nn/aten.h"
#include "golden_unit.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

namespace {

at::Tensor random_masked(int64_t batch, int64_t clones, int64_t length, int64_t count) {
  return std::get<0>(at::rand({batch, clones, length}).argsort(-1, false).slice(2, 0, count).sort(-1))
      .contiguous();
}

// Targets repeated for every clone and gathered: what masked_loss avoids.
at::Tensor repeated(const at::Tensor& targets, const at::Tensor& masked) {
  return targets.repeat_interleave(masked.size(1), 0)
      .gather(1, masked.flatten(0, 1).unsqueeze(-1).expand({-1, -1, targets.size(2)}));
}

}  // namespace

TEST_CASE("element losses equal the reference") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const auto all = read_tensors(test::test_data() / "golden/blocks/tensors.safetensors");
  const at::Tensor prediction = all.at("loss.input.prediction"), target = all.at("loss.input.target");
  for (const auto& [name, beta] : {std::pair{"0", 0.0}, {"0p25", 0.25}, {"1", 1.0}, {"2", 2.0}}) {
    for (const auto& [kind, scale] : {std::pair{"half", 0.5}, {"default", 1 / std::sqrt(8.0)}}) {
      CAPTURE(name);
      CAPTURE(kind);
      const at::Tensor recorded = all.at(fmt::format("loss_beta{}_{}.output.elements", name, kind));
      CHECK(GoldenUnit::error(element_loss(prediction, target, {beta, scale}), recorded) < 5e-6);
    }
  }
}

TEST_CASE("the masked loss and its gradient equal the plain form on repeated targets") {
  for (double beta : {0.0, 0.5}) {
    for (const auto& [batch, clones, length, count, dim] :
         {std::tuple{1, 1, 2, 1, 3}, std::tuple{3, 4, 9, 7, 16}, std::tuple{2, 2, 30, 11, 33}}) {
      const at::Tensor targets = at::randn({batch, length, dim}),
                       masked = random_masked(batch, clones, length, count);
      const at::Tensor p = at::randn({batch * clones, count, dim}).requires_grad_(true);
      const at::Tensor q = p.detach().clone().requires_grad_(true);
      const at::Tensor have = masked_loss(p, targets, masked, {beta, 0.7});
      const at::Tensor want = element_loss(q, repeated(targets, masked), {beta, 0.7}).sum();
      CHECK(have.item<double>() == doctest::Approx(want.item<double>()).epsilon(1e-5));
      (have * 0.3).backward();
      (want * 0.3).backward();
      CHECK(at::allclose(p.grad(), q.grad(), 1e-5, 1e-6));
    }
  }
}

TEST_CASE("the masked loss is the same number for one thread and for several") {
  const at::Tensor targets = at::randn({4, 20, 24}), masked = random_masked(4, 3, 20, 13),
                   p = at::randn({12, 13, 24});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = masked_loss(p, targets, masked, {0, 1}), moments = row_moments(p);
  at::set_num_threads(4);
  CHECK(at::equal(one, masked_loss(p, targets, masked, {0, 1})));
  CHECK(at::equal(moments, row_moments(p)));
  at::set_num_threads(threads);
}

TEST_CASE("moments give the mean deviation over channels, summed over slices") {
  const at::Tensor targets = at::randn({3, 16, 10}) * 2, masked = random_masked(3, 2, 16, 9);
  const at::Tensor rows = repeated(targets, masked);
  const double want = (rows.flatten(0, 1).var(0, true) + 1e-6).sqrt().mean().item<double>();
  CHECK(mean_deviation(masked_moments(targets, masked)) == doctest::Approx(want).epsilon(1e-6));
  const at::Tensor parts = row_moments(rows.slice(0, 0, 2)) + row_moments(rows.slice(0, 2));
  CHECK(mean_deviation(parts) == doctest::Approx(want).epsilon(1e-6));
  CHECK(mean_deviation(row_moments(at::ones({1, 4, 5}))) == doctest::Approx(1e-3));
}

TEST_CASE("the mean deviation equals the reference's variance monitor") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const auto all = read_tensors(test::test_data() / "golden/blocks/tensors.safetensors");
  const at::Tensor x = all.at("loss.input.prediction");
  CHECK(mean_deviation(row_moments(x.view({1, -1, x.size(-1)}))) ==
        doctest::Approx(all.at("variance.output.value").item<double>()).epsilon(5e-6));
}

TEST_CASE("patches equal the reference and are normalised one by one") {
  D2V_NEED_TEST_DATA("golden/blocks");
  const auto all = read_tensors(test::test_data() / "golden/blocks/tensors.safetensors");
  CHECK(at::equal(patchify(all.at("patchify.input.x"), 4), all.at("patchify.output.patches")));
  const at::Tensor y = normalised_patches(at::randn({2, 3, 8, 8}) * 5 + 1, 4);
  CHECK(at::allclose(y.mean(-1), at::zeros({2, 4}), 1e-5, 1e-5));
  CHECK(at::allclose(y.std(-1), at::ones({2, 4}), 1e-4, 1e-4));
}

TEST_CASE("the gradient of the masked loss is that of finite differences, in double") {
  const at::Tensor targets = test::random_double({2, 9, 5}), masked = random_masked(2, 3, 9, 4);
  for (double beta : {0.0, 0.6}) {
    CAPTURE(beta);
    const auto loss = [&](const auto& in) { return masked_loss(in[0], targets, masked, {beta, 0.7}); };
    CHECK(test::gradient_error(loss, {test::random_double({6, 4, 5})}) < 1e-7);
  }
}
