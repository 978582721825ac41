#include "d2v/nn/parameters.h"

#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {
Parameter named(const std::string& name, std::vector<int64_t> shape,
                TeacherRule rule = TeacherRule::averaged) {
  Parameter p;
  p.name = name;
  p.shape = std::move(shape);
  p.teacher = rule;
  return p;
}
}  // namespace

TEST_CASE("offsets are aligned, parameters of the teacher come first") {
  const ParameterLayout layout(
      {named("decoder", {5}, TeacherRule::absent), named("a", {3, 3}), named("b", {17})});
  CHECK(layout.all()[0].name == "a");
  CHECK(layout.at("a").offset == 0);
  CHECK(layout.at("b").offset == 16);
  CHECK(layout.at("decoder").offset == 48);
  CHECK(layout.teacher_size() == 48);
  CHECK(layout.size() == 64);
  CHECK(layout.find("c") == nullptr);
  CHECK_THROWS_AS(layout.at("c"), Error);
  CHECK_THROWS_AS(ParameterLayout({named("a", {1}), named("a", {1})}), Error);
}

TEST_CASE("views share the arena's memory") {
  const ParameterLayout layout({named("a", {2, 3}), named("b", {4})});
  const at::Tensor arena = make_arena(layout.size(), at::kFloat);
  view_of(arena, layout.at("b")).fill_(2);
  CHECK(arena.sum().item<double>() == 8);
  CHECK(reinterpret_cast<uintptr_t>(arena.data_ptr()) % 64 == 0);
}

TEST_CASE("initial values follow their distributions and depend on name and seed alone") {
  Parameter normal = named("n", {200, 300}), xavier = named("x", {200, 300}), uniform = named("u", {60000}),
            one = named("o", {10});
  normal.init = Init::normal, normal.init_value = 0.02;
  xavier.init = Init::xavier;
  uniform.init = Init::uniform_fan_in, uniform.init_value = 100;
  one.init_value = 1;
  const ParameterLayout layout({normal, xavier, uniform, one}), reversed({one, uniform, xavier, normal});
  const at::Tensor a = make_arena(layout.size(), at::kFloat), b = make_arena(layout.size(), at::kFloat);
  initialise(layout, a, 3);
  initialise(reversed, b, 3);
  for (const char* name : {"n", "x", "u", "o"})
    CHECK(at::equal(view_of(a, layout.at(name)), view_of(b, reversed.at(name))));

  CHECK(view_of(a, layout.at("n")).std().item<double>() == doctest::Approx(0.02).epsilon(0.02));
  const double bound = std::sqrt(6.0 / 500);
  CHECK(view_of(a, layout.at("x")).abs().max().item<double>() == doctest::Approx(bound).epsilon(0.001));
  CHECK(view_of(a, layout.at("x")).std().item<double>() ==
        doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02));
  CHECK(view_of(a, layout.at("u")).abs().max().item<double>() == doctest::Approx(0.1).epsilon(0.001));
  CHECK(at::equal(view_of(a, layout.at("o")), at::ones({10})));
  initialise(layout, b, 4);
  CHECK_FALSE(at::equal(view_of(a, layout.at("n")), view_of(b, layout.at("n"))));
}
