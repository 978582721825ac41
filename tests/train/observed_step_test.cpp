#include "d2v/train/observed_step.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("operations are sorted by their names") {
  CHECK(kind_of_op("aten::addmm") == OpKind::matrix_product);
  CHECK(kind_of_op("aten::mm") == OpKind::matrix_product);
  CHECK(kind_of_op("AddmmBackward0") == OpKind::matrix_product);
  CHECK(kind_of_op("aten::_scaled_dot_product_flash_attention_for_cpu") == OpKind::attention);
  CHECK(kind_of_op("aten::mkldnn_convolution") == OpKind::convolution);
  CHECK(kind_of_op("aten::native_layer_norm_backward") == OpKind::norm);
  CHECK(kind_of_op("aten::gelu") == OpKind::gelu);
  CHECK(kind_of_op("aten::copy_") == OpKind::copy);
  CHECK(kind_of_op("aten::add_") == OpKind::element_wise);
  CHECK(kind_of_op("struct d2v::`anonymous namespace'::FusedConvLayers") == OpKind::own);
  CHECK(kind_of_op("d2v::(anonymous namespace)::FusedBlock") == OpKind::own);
}

TEST_CASE("allocations are counted while the step runs, and the most that lived at one time") {
  PartClock clock;
  clock.start();
  const ObservedStep seen = observe_step(clock, [] {
    { const at::Tensor a = at::empty({1024}, at::kFloat); }
    const at::Tensor b = at::empty({512}, at::kFloat), c = at::empty({256}, at::kFloat);
  });
  const at::Tensor after = at::empty({4096}, at::kFloat);
  CHECK(seen.allocations.count == 3);
  CHECK(seen.allocations.bytes == 4 * (1024 + 512 + 256));
  CHECK(seen.allocations.most_live_bytes == 4 * 1024);
}

TEST_CASE("an operation's time goes to its kind and to the part it ran in, own code to own kernels") {
  PartClock clock;
  clock.start();
  const at::Tensor x = at::rand({64, 64});
  const ObservedStep seen = observe_step(clock, [&] {
    clock.enter(StepPart::student);
    at::mm(x, x);
    clock.enter(StepPart::decoder, StepPass::backward);
    at::gelu(x);
    clock.enter(StepPart::other);
  });
  CHECK(seen.seconds(StepPart::student, StepPass::forward, OpKind::matrix_product) > 0);
  CHECK(seen.seconds(StepPart::student, StepPass::forward, OpKind::gelu) == 0);
  CHECK(seen.seconds(StepPart::decoder, StepPass::backward, OpKind::gelu) > 0);
  CHECK(seen.seconds(StepPart::decoder, StepPass::backward, OpKind::matrix_product) == 0);
  CHECK(seen.seconds(OpKind::own) > 0);
}

TEST_CASE("a step that fails leaves no observer behind") {
  PartClock clock;
  clock.start();
  CHECK_THROWS(observe_step(clock, [] { throw std::runtime_error("no"); }));
  CHECK_FALSE(clock.before_switch);
  const ObservedStep seen = observe_step(clock, [] { at::empty({8}); });
  CHECK(seen.allocations.count == 1);
}
