// Fresh models of the published base recipes against the reference's (golden/init.json).
#include <cmath>
#include <fstream>
#include <set>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "d2v/model/objective.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config speech_base() {
  Config config;
  config.model.modality = Modality::speech;
  config.model.prenet_depth = 0;
  config.model.depth = 12;
  config.model.norm_eps = 1e-5;
  config.model.extra_tokens = 0;
  config.model.alibi = config.model.alibi_scale_learned = config.model.alibi_scale_per_head = true;
  config.decoder.dim = 384;
  config.decoder.kernel = 7;
  config.decoder.layers = 4;
  config.target.layers = 8;
  config.target.final_norm = NormKind::none;
  config.loss.cls = 0;
  config.ema.local_encoder = false;
  return config;
}

Config text_base() {
  Config config = speech_base();
  config.model.modality = Modality::text;
  config.model.alibi = false;
  config.text.vocabulary_size = 50265;
  config.decoder.dim = 768;
  config.decoder.groups = 1;
  config.decoder.kernel = 9;
  config.decoder.layers = 5;
  config.decoder.residual = false;
  config.decoder.projection_layers = 2;
  config.target.layers = 12;
  config.ema.encoder_only = true;
  return config;
}

Config mae_base() {
  Config config;  // patch 16, width 768, 12 heads as ViT-B
  config.model.objective = ObjectiveKind::mae;
  config.model.depth = 12;
  return config;
}

// Names, shapes, roles and counts exactly; mean and deviation within the error of two samples.
void check_against(const char* recipe, const Config& config) {
  CAPTURE(recipe);
  std::ifstream in(test::test_data() / "golden/init.json");
  const nlohmann::json recorded = nlohmann::json::parse(in).at(recipe);
  const auto model = make_objective(config, Precision::fp32);
  const ParameterLayout& layout = model->layout();
  int64_t total = 0, trainable = 0, teacher = 0;
  for (const Parameter& p : layout.all()) {
    total += p.count;
    if (p.trainable) trainable += p.count;
    if (p.teacher != TeacherRule::absent) teacher += p.count;
  }
  CHECK(total == recorded.at("total").get<int64_t>());
  CHECK(trainable == recorded.at("trainable").get<int64_t>());
  CHECK(teacher == recorded.value("teacher", int64_t{0}));
  CHECK(layout.all().size() == recorded.at("parameters").size());
  for (const nlohmann::json& want : recorded.at("parameters")) {
    const std::string name = want.at("name");
    CAPTURE(name);
    const Parameter* p = layout.find(name);
    REQUIRE(p != nullptr);
    CHECK(p->shape == want.at("shape").get<std::vector<int64_t>>());
    CHECK(p->trainable == want.at("trainable").get<bool>());
    CHECK((p->teacher != TeacherRule::absent) == want.value("in_teacher", false));
    if (p->trainable) CHECK(p->decay == want.at("weight_decay").get<bool>());
    const at::Tensor value = view_of(model->weights(), *p);
    const double n = static_cast<double>(p->count), std = want.at("std");
    // Both are samples: five standard errors of a mean and of a deviation (uniform or normal), of each.
    CHECK(std::abs(value.mean().item<double>() - want.at("mean").get<double>()) <=
          8 * std / std::sqrt(n) + 1e-6);
    CHECK(std::abs(value.std().item<double>() - std) <= 8 * std / std::sqrt(2 * n) + 1e-6);
    // The largest of n values: tells a uniform from a normal distribution of the same deviation.
    if (p->count > 1000 && std > 0)
      CHECK(value.max().item<double>() == doctest::Approx(want.at("max").get<double>()).epsilon(0.35));
  }
  if (teacher > 0) CHECK(at::equal(model->teacher(), model->weights().narrow(0, 0, layout.teacher_size())));
}

}  // namespace

TEST_CASE("names, shapes, roles and distributions of ViT-B equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("image_base", Config());  // the defaults are the published ViT-B
}

TEST_CASE("names, shapes, roles and distributions of speech base equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("audio_base", speech_base());
}

TEST_CASE("names, shapes, roles and distributions of text base equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("text_base", text_base());
}

TEST_CASE("names, shapes, roles and distributions of MAE's ViT-B equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("mae_base", mae_base());
}
