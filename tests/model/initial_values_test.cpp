// Fresh models of the published base recipes, as their files say, against the reference's (golden/init.json).
#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "recipe_file.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Names, shapes, roles and counts exactly; mean and deviation within the error of two samples.
void check_against(const char* recorded_name, const char* recipe) {
  CAPTURE(recipe);
  const Config config = test::recipe_config(recipe);
  std::ifstream in(test::test_data() / "golden/init.json");
  const nlohmann::json recorded = nlohmann::json::parse(in).at(recorded_name);
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

TEST_CASE("the defaults are the published ViT-B") {
  const ParameterLayout defaults = objective_layout(Config());
  const ParameterLayout recipe = objective_layout(test::recipe_config("image_base"));
  REQUIRE(defaults.all().size() == recipe.all().size());
  for (size_t i = 0; i < recipe.all().size(); ++i) {
    CHECK(defaults.all()[i].name == recipe.all()[i].name);
    CHECK(defaults.all()[i].shape == recipe.all()[i].shape);
  }
}

TEST_CASE("the layout can be had without the model") {
  Config config;
  config.model.dim = 32;
  config.model.heads = 4;
  config.decoder.dim = 32;
  const auto model = make_objective(config, Precision::fp32);
  const ParameterLayout layout = objective_layout(config);
  CHECK(layout.size() == model->layout().size());
  CHECK(layout.teacher_size() == model->layout().teacher_size());
}

TEST_CASE("names, shapes, roles and distributions of ViT-B equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("image_base", "image_base");
}

TEST_CASE("names, shapes, roles and distributions of speech base equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("audio_base", "speech_base");
}

TEST_CASE("names, shapes, roles and distributions of text base equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("text_base", "text_base");
}

TEST_CASE("names, shapes, roles and distributions of MAE's ViT-B equal the reference's fresh model") {
  D2V_NEED_TEST_DATA("golden/init.json");
  check_against("mae_base", "mae_image_base");
}
