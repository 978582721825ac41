#include "d2v/model/targets.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

TEST_CASE("targets equal the reference for every pair of norms, also where eps decides") {
  D2V_NEED_TEST_DATA("golden/blocks");
  for (NormKind per_layer : {NormKind::none, NormKind::instance, NormKind::layer, NormKind::batch}) {
    for (NormKind final : {NormKind::none, NormKind::instance, NormKind::layer}) {
      for (const char* size : {"", "_tiny"}) {
        const std::string name = fmt::format("targets_{}_{}{}", name_of(per_layer), name_of(final), size);
        const auto all = read_tensors(test::test_data() / "golden/blocks/tensors.safetensors");
        // Tiny layers are recorded where one norm alone meets them.
        if (*size && (per_layer == NormKind::none) == (final == NormKind::none)) continue;
        CAPTURE(name);
        REQUIRE(all.contains(name + ".output.targets"));
        std::vector<at::Tensor> layers;
        for (int i = 0; i < 4; ++i)
          layers.push_back(all.at(fmt::format("targets.input.layer.{}", i)) * (*size ? 0.001 : 1.0));
        TargetConfig config;
        config.layers = 3;
        config.layer_norm = per_layer;
        config.final_norm = final;
        CHECK(GoldenUnit::error(make_targets(layers, config), all.at(name + ".output.targets")) < 5e-6);
      }
    }
  }
}

TEST_CASE("targets leave the teacher's layers as they were and carry no gradient") {
  const at::Tensor layer = at::randn({2, 3, 4}).requires_grad_(true), copy = layer.detach().clone();
  for (NormKind kind : {NormKind::none, NormKind::instance}) {
    TargetConfig config;
    config.layers = 1;
    config.layer_norm = kind;
    config.final_norm = NormKind::none;
    CHECK_FALSE(make_targets({layer}, config).requires_grad());
    CHECK(at::equal(layer.detach(), copy));
  }
}

TEST_CASE("more averaged layers than blocks, and batch norm of the average, are refused") {
  TargetConfig config;
  config.layers = 3;
  CHECK_THROWS_AS(make_targets({at::zeros({1, 2, 4})}, config), UsageError);
  config.layers = 1;
  config.final_norm = NormKind::batch;
  CHECK_THROWS_AS(make_targets({at::zeros({1, 2, 4})}, config), UsageError);
}

TEST_CASE("padding changes neither the norms nor the targets of valid positions, and is 0 itself") {
  const at::Tensor layer = at::randn({2, 6, 4}), valid = at::ones({2, 6}, at::kBool);
  valid[1].slice(0, 4).fill_(false);
  for (NormKind per_layer : {NormKind::instance, NormKind::layer}) {
    for (NormKind final : {NormKind::none, NormKind::instance}) {
      TargetConfig config;
      config.layers = 1;
      config.layer_norm = per_layer;
      config.final_norm = final;
      const at::Tensor y = make_targets({layer}, config, valid);
      const at::Tensor alone = make_targets({layer.slice(0, 1).slice(1, 0, 4)}, config);
      CHECK(at::allclose(y[1].slice(0, 0, 4), alone[0], 1e-5, 1e-5));
      CHECK(y[1].slice(0, 4).abs().sum().item<float>() == 0);
      config.norm_over = NormOver::all;
      CHECK(at::equal(make_targets({layer}, config, valid), make_targets({layer}, config)));
    }
  }
}

TEST_CASE("a batch norm counts valid positions of all samples") {
  const at::Tensor layer = at::randn({2, 3, 4}),
                   valid = at::tensor({1, 1, 1, 1, 0, 0}, at::kInt).view({2, 3}).to(at::kBool);
  TargetConfig config;
  config.layers = 1;
  config.layer_norm = NormKind::batch;
  config.final_norm = NormKind::none;
  const at::Tensor rows = make_targets({layer}, config, valid).flatten(0, 1).slice(0, 0, 4);
  CHECK(at::allclose(rows.mean(0), at::zeros({4}), 1e-5, 1e-5));
  CHECK(at::allclose(rows.var(0, false), at::ones({4}), 1e-3, 1e-3));
}
